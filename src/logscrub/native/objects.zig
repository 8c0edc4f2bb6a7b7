//! Lines of JSON objects to columns: the values that stand at the places of a tree of keys.
//!
//! Only plain lines are read. Whatever could be understood in two ways refuses its line, which others read:
//! a key of the tree that repeats or holds an escape, a value of the tree with an escape or a control
//! character, a number that is long or has an exponent, an array of another length than one.

const std = @import("std");
const Distinct = @import("distinct.zig").Distinct;

/// What the value at a place is for.
pub const Kind = enum(u8) {
    /// Only its keys are looked at.
    inner = 0,
    /// Strings.
    text = 1,
    /// Strings and whole numbers, as they are written.
    id = 2,
    /// Strings, `true` and `false`; and numbers.
    signal = 3,
    /// Strings; and numbers.
    number = 4,
    /// Lines that have it are refused.
    refused = 5,
};

pub const Place = extern struct {
    kind: Kind,
    /// Whether an array of one element stands for this.
    indexed: bool,
    /// Number of its column.
    column: u32,
};

/// A tree of keys: the first place is the whole line.
pub const Tree = struct {
    places: []const Place,
    /// Text of all keys, one after the other.
    text: []const u8,
    ends: []const u32,
    /// Place of the object that holds each key, and of its value.
    holders: []const u32,
    values: []const u32,

    fn key(self: Tree, which: usize) []const u8 {
        return self.text[if (which == 0) 0 else self.ends[which - 1]..self.ends[which]];
    }
};

pub const Lines = struct { data: []const u8, begins: []const i64, ends: []const i64 };

/// Memory of the caller, with room for every line and column; that of a column which no line has stays as it is.
pub const Result = struct {
    /// Number of the text of each row, -1 where it has none, a column after the other.
    codes: []i32,
    /// Number of each row, NaN where it has none.
    numbers: []f64,
    offsets: []i32,
    text: []u8,
    /// Whether each line is a row.
    fits: []u8,
    /// How many distinct texts each column has, and whether any line has a value for it.
    distinct: []u32,
    used: []u8,
};

const deepest = 32;
const none: u32 = std.math.maxInt(u32);

pub fn readObjects(allocator: std.mem.Allocator, lines: Lines, tree: Tree, seed: u64, result: Result) !usize {
    var reader = try Reader.init(allocator, lines, tree, seed, result);
    for (lines.begins, lines.ends, 0..) |begin, end, line| {
        reader.at = @intCast(begin);
        reader.end = @intCast(end);
        const fits = try reader.wholeLine(@intCast(line));
        result.fits[line] = @intFromBool(fits);
        if (fits) reader.row += 1 else reader.forget();
    }
    const room = lines.begins.len + 1;
    var at: usize = 0;
    for (reader.known, 0..) |*known, column| {
        known.write(result.text[at..], result.offsets[column * room ..][0..room]);
        at += known.text.items.len;
        result.distinct[column] = @intCast(known.count());
    }
    return reader.row;
}

/// What the last line had as its so-manieth key: most lines are made alike.
const Habit = struct { holder: u32 = none, start: u32 = 0, len: u32 = 0, place: u32 = none };
const habits = 256;

const Error = std.mem.Allocator.Error;

const Reader = struct {
    data: []const u8,
    at: usize = 0,
    end: usize = 0,
    tree: Tree,
    seed: u64,
    keys: []u32,
    known: []Distinct,
    result: Result,
    lines: usize,
    row: usize = 0,
    line: u32 = 0,
    /// Line in which each place was last seen, counted from one.
    seen: []u32,
    /// Columns that the line has a value for.
    touched: []u32,
    touched_count: usize = 0,
    habit: [habits]Habit = @splat(.{}),
    key_count: usize = 0,

    fn init(allocator: std.mem.Allocator, lines: Lines, tree: Tree, seed: u64, result: Result) !Reader {
        const columns = result.distinct.len;
        const known = try allocator.alloc(Distinct, columns);
        @memset(known, .{ .allocator = allocator, .seed = seed });
        const seen = try allocator.alloc(u32, tree.places.len);
        @memset(seen, 0);
        @memset(result.used, 0);
        var self: Reader = .{
            .data = lines.data,
            .tree = tree,
            .seed = seed,
            .keys = try allocator.alloc(u32, try std.math.ceilPowerOfTwo(usize, 2 * tree.ends.len + 2)),
            .known = known,
            .result = result,
            .lines = lines.begins.len,
            .seen = seen,
            .touched = try allocator.alloc(u32, columns),
        };
        @memset(self.keys, none);
        for (tree.holders, 0..) |holder, which| {
            var slot = self.slotOf(holder, tree.key(which));
            while (self.keys[slot] != none) slot = (slot + 1) & (self.keys.len - 1);
            self.keys[slot] = @intCast(which);
        }
        return self;
    }

    fn slotOf(self: *const Reader, holder: u32, key: []const u8) usize {
        return @truncate(std.hash.Wyhash.hash(self.seed +% holder, key) & (self.keys.len - 1));
    }

    /// Place of the value of a key, `none` where the tree does not have it.
    fn placeOf(self: *Reader, holder: u32, start: usize, key: []const u8) u32 {
        const habit = if (self.key_count < habits) &self.habit[self.key_count] else null;
        self.key_count += 1;
        if (habit) |before| {
            if (before.holder == holder and std.mem.eql(u8, self.data[before.start..][0..before.len], key)) {
                return before.place;
            }
        }
        const place = self.find(holder, key);
        if (habit) |now| now.* = .{ .holder = holder, .start = @intCast(start), .len = @intCast(key.len), .place = place };
        return place;
    }

    fn find(self: *const Reader, holder: u32, key: []const u8) u32 {
        var slot = self.slotOf(holder, key);
        while (self.keys[slot] != none) : (slot = (slot + 1) & (self.keys.len - 1)) {
            const which = self.keys[slot];
            if (self.tree.holders[which] == holder and std.mem.eql(u8, self.tree.key(which), key)) {
                return self.tree.values[which];
            }
        }
        return none;
    }

    fn wholeLine(self: *Reader, line: u32) Error!bool {
        self.line = line + 1;
        self.key_count = 0;
        self.touched_count = 0;
        self.skipSpace();
        if (self.peek() != '{' or !try self.object(0, 0)) return false;
        self.skipSpace();
        return self.at == self.end;
    }

    /// Take back what a line has left in its row before it was refused.
    fn forget(self: *Reader) void {
        for (self.touched[0..self.touched_count]) |column| {
            self.result.codes[column * self.lines + self.row] = -1;
            self.result.numbers[column * self.lines + self.row] = std.math.nan(f64);
        }
    }

    fn peek(self: *const Reader) u8 {
        return if (self.at < self.end) self.data[self.at] else 0;
    }

    inline fn skipSpace(self: *Reader) void {
        while (self.at < self.end) : (self.at += 1) {
            switch (self.data[self.at]) {
                ' ', '\t', '\r', '\n' => {},
                else => return,
            }
        }
    }

    fn expect(self: *Reader, text: []const u8) bool {
        if (!std.mem.startsWith(u8, self.data[self.at..self.end], text)) return false;
        self.at += text.len;
        return true;
    }

    /// Read an object whose place is known, or is none.
    fn object(self: *Reader, holder: u32, depth: usize) Error!bool {
        if (depth > deepest) return false;
        self.at += 1;
        self.skipSpace();
        if (self.peek() == '}') {
            self.at += 1;
            return true;
        }
        while (true) {
            self.skipSpace();
            if (self.peek() != '"') return false;
            const start = self.at + 1;
            const key = self.plainString() orelse return false;
            self.skipSpace();
            if (!self.expect(":")) return false;
            const place = if (holder == none) none else self.placeOf(holder, start, key);
            if (place != none) {
                if (self.seen[place] == self.line) return false;
                self.seen[place] = self.line;
            }
            if (!try self.value(place, depth)) return false;
            self.skipSpace();
            const mark = self.peek();
            self.at += 1;
            if (mark == '}') return true;
            if (mark != ',') return false;
        }
    }

    fn array(self: *Reader, depth: usize) Error!bool {
        if (depth > deepest) return false;
        self.at += 1;
        self.skipSpace();
        if (self.peek() == ']') {
            self.at += 1;
            return true;
        }
        while (true) {
            if (!try self.value(none, depth)) return false;
            self.skipSpace();
            const mark = self.peek();
            self.at += 1;
            if (mark == ']') return true;
            if (mark != ',') return false;
        }
    }

    fn value(self: *Reader, which: u32, depth: usize) Error!bool {
        self.skipSpace();
        if (which == none) return self.skip(depth);
        const place = self.tree.places[which];
        if (place.kind == .refused) return false;
        if (self.peek() == '[') {
            if (!place.indexed) return false;
            self.at += 1;
            self.skipSpace();
            if (!try self.element(which, place, depth)) return false;
            self.skipSpace();
            return self.expect("]");
        }
        return self.element(which, place, depth);
    }

    fn element(self: *Reader, which: u32, place: Place, depth: usize) Error!bool {
        switch (self.peek()) {
            '{' => {
                if (place.kind != .inner) return false;
                return self.object(which, depth + 1);
            },
            '"' => {
                const text = self.plainString() orelse return false;
                if (place.kind != .inner) try self.keep(place.column, text);
                return true;
            },
            't', 'f' => {
                const text: []const u8 = if (self.peek() == 't') "true" else "false";
                if (!self.expect(text)) return false;
                if (place.kind == .signal) try self.keep(place.column, text);
                return true;
            },
            'n' => return self.expect("null"),
            '-', '0'...'9' => {
                const start = self.at;
                const number = self.shortNumber() orelse return false;
                switch (place.kind) {
                    .id => {
                        const text = self.data[start..self.at];
                        if (text[0] == '-' or std.mem.indexOfScalar(u8, text, '.') != null) return false;
                        try self.keep(place.column, text);
                    },
                    .signal, .number => self.keepNumber(place.column, number),
                    else => {},
                }
                return true;
            },
            else => return false,
        }
    }

    fn touch(self: *Reader, column: u32) void {
        self.touched[self.touched_count] = column;
        self.touched_count += 1;
        if (self.result.used[column] != 0) return;
        self.result.used[column] = 1;
        @memset(self.result.codes[column * self.lines ..][0..self.lines], -1);
        @memset(self.result.numbers[column * self.lines ..][0..self.lines], std.math.nan(f64));
    }

    fn keep(self: *Reader, column: u32, text: []const u8) Error!void {
        self.touch(column);
        self.result.codes[column * self.lines + self.row] = @intCast(try self.known[column].number(text));
    }

    fn keepNumber(self: *Reader, column: u32, number: f64) void {
        self.touch(column);
        self.result.numbers[column * self.lines + self.row] = number;
    }

    /// Read over a value.
    fn skip(self: *Reader, depth: usize) Error!bool {
        return switch (self.peek()) {
            '{' => self.object(none, depth + 1),
            '[' => self.array(depth + 1),
            '"' => self.anyString(),
            't' => self.expect("true"),
            'f' => self.expect("false"),
            'n' => self.expect("null"),
            else => self.anyNumber(),
        };
    }

    /// Text of a string without escapes and control characters.
    inline fn plainString(self: *Reader) ?[]const u8 {
        const start = self.at + 1;
        self.at = self.markAfter(start) orelse return null;
        if (self.data[self.at] != '"') return null;
        self.at += 1;
        return self.data[start .. self.at - 1];
    }

    fn anyString(self: *Reader) bool {
        self.at += 1;
        while (true) {
            self.at = self.markAfter(self.at) orelse return false;
            switch (self.data[self.at]) {
                '"' => {
                    self.at += 1;
                    return true;
                },
                '\\' => if (!self.escape()) return false,
                else => return false,
            }
        }
    }

    fn escape(self: *Reader) bool {
        self.at += 1;
        const letter = self.peek();
        self.at += 1;
        switch (letter) {
            '"', '\\', '/', 'b', 'f', 'n', 'r', 't' => return true,
            'u' => {
                if (self.end - self.at < 4) return false;
                for (self.data[self.at..][0..4]) |digit| {
                    if (!std.ascii.isHex(digit)) return false;
                }
                self.at += 4;
                return true;
            },
            else => return false,
        }
    }

    /// The next quote, backslash or control character.
    inline fn markAfter(self: *const Reader, start: usize) ?usize {
        const width = 16;
        const Lane = @Vector(width, u8);
        var at = start;
        while (self.end - at >= width) : (at += width) {
            const lane: Lane = self.data[at..][0..width].*;
            const quotes: u16 = @bitCast(lane == @as(Lane, @splat('"')));
            const escapes: u16 = @bitCast(lane == @as(Lane, @splat('\\')));
            const controls: u16 = @bitCast(lane < @as(Lane, @splat(0x20)));
            const marks = quotes | escapes | controls;
            if (marks != 0) return at + @ctz(marks);
        }
        while (at < self.end) : (at += 1) {
            const byte = self.data[at];
            if (byte == '"' or byte == '\\' or byte < 0x20) return at;
        }
        return null;
    }

    /// A number of at most 15 digits without exponent, which a double holds as it is written.
    inline fn shortNumber(self: *Reader) ?f64 {
        const negative = self.peek() == '-';
        self.at += @intFromBool(negative);
        const start = self.at;
        var digits: u64 = 0;
        self.at = self.digitsAfter(start, &digits);
        var count = self.at - start;
        if (count == 0 or (count > 1 and self.data[start] == '0')) return null;
        var scale: usize = 0;
        if (self.peek() == '.') {
            const point = self.at + 1;
            self.at = self.digitsAfter(point, &digits);
            scale = self.at - point;
            if (scale == 0) return null;
            count += scale;
        }
        if (count > 15) return null;
        switch (self.peek()) {
            'e', 'E' => return null,
            else => {},
        }
        // Both are exact, so that the quotient is the double nearest to what is written.
        const whole: f64 = @as(f64, @floatFromInt(digits)) / powers[scale];
        return if (negative) -whole else whole;
    }

    inline fn digitsAfter(self: *const Reader, start: usize, digits: *u64) usize {
        var at = start;
        while (at < self.end and std.ascii.isDigit(self.data[at])) : (at += 1) {
            digits.* = digits.* *% 10 +% (self.data[at] - '0');
        }
        return at;
    }

    fn anyNumber(self: *Reader) bool {
        self.at += @intFromBool(self.peek() == '-');
        var ignored: u64 = 0;
        const start = self.at;
        self.at = self.digitsAfter(start, &ignored);
        if (self.at == start or (self.at - start > 1 and self.data[start] == '0')) return false;
        if (self.peek() == '.') {
            const point = self.at + 1;
            self.at = self.digitsAfter(point, &ignored);
            if (self.at == point) return false;
        }
        if (self.peek() == 'e' or self.peek() == 'E') {
            self.at += 1;
            self.at += @intFromBool(self.peek() == '-' or self.peek() == '+');
            const exponent = self.at;
            self.at = self.digitsAfter(exponent, &ignored);
            if (self.at == exponent) return false;
        }
        return true;
    }
};

const powers = [_]f64{ 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
