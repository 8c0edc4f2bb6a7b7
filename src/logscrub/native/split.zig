//! Lines to columns: each line is cut at a delimiter, and each column is told by its distinct values.

const std = @import("std");
const bytes = @import("bytes.zig");
const template = @import("template.zig");
const Distinct = @import("distinct.zig").Distinct;

pub const max_columns = 64;

/// What a block of lines becomes. All memory is the caller's, and has room for every line.
pub const Result = struct {
    /// Number of the value of each row, a column after the other.
    codes: []i32,
    /// Where the values of a column begin in the text, a column after the other.
    offsets: []i32,
    /// The distinct values, a column after the other.
    text: []u8,
    /// Where each line begins.
    starts: []u32,
    /// Numbers of each row, those of one place in the templates after the other.
    numbers: []i64,
    /// Whether each line is a row.
    fits: []u8,
    /// How many distinct values each column has.
    distinct: []u32,
};

/// Templates of columns that are not told by their values but hold numbers: that of a column begins where
/// `ends` says of the one before. A column without one is told by its values.
pub const Templates = struct {
    steps: []const u8,
    ends: []const u32,
    /// How many numbers all templates before a column have.
    numbers: []const u32,

    inline fn of(self: Templates, column: usize) []const u8 {
        return self.steps[if (column == 0) 0 else self.ends[column - 1]..self.ends[column]];
    }
};

/// Cut the lines of a block at their quotes into columns; `tail` bytes at the end of the first one are a column
/// of their own, in front. A line of another width is no row, nor is one whose tail would begin before the line
/// or inside a character, or in which a column does not fit its template.
pub fn splitLines(
    allocator: std.mem.Allocator,
    data: []const u8,
    templates: Templates,
    tail: u32,
    seed: u64,
    result: Result,
) !usize {
    var known: [max_columns + 1]Distinct = @splat(.{ .allocator = allocator, .seed = seed });
    const lines = result.starts.len;
    const columns = templates.ends.len;
    var ends: [max_columns]u32 = undefined;
    var width: usize = 0;
    var line: usize = 0;
    var begin: u32 = 0;
    var rows: usize = 0;
    var places = bytes.Places("\"\n").of(data);
    while (begin < data.len) {
        const place: u32 = @intCast(places.next() orelse data.len);
        if (place < data.len and data[place] == '"') {
            if (width < max_columns) ends[width] = place;
            width += 1;
            continue;
        }
        result.starts[line] = begin;
        if (width < max_columns) ends[width] = place;
        const fits = width + 1 == columns and canCut(data, begin, ends[0], tail) and
            readNumbers(data, ends[0..columns], templates, result.numbers, lines, rows);
        result.fits[line] = @intFromBool(fits);
        if (fits) {
            const cut = ends[0] - tail;
            if (tail > 0) result.codes[rows] = @intCast(try known[0].number(data[cut..ends[0]]));
            var start = begin;
            for (ends[0..columns], 0..) |end, at| {
                if (templates.of(at).len > 0) {
                    start = end + 1;
                    continue;
                }
                const code = try known[at + 1].number(data[start..if (at == 0) cut else end]);
                result.codes[(at + 1) * lines + rows] = @intCast(code);
                start = end + 1;
            }
            rows += 1;
        }
        line += 1;
        begin = place + 1;
        width = 0;
    }
    var at: usize = 0;
    for (known[0 .. columns + 1], 0..) |*one, column| {
        one.write(result.text[at..], result.offsets[column * (lines + 1) ..][0 .. lines + 1]);
        at += one.text.items.len;
        result.distinct[column] = @intCast(one.count());
    }
    return rows;
}

fn readNumbers(
    data: []const u8,
    ends: []const u32,
    templates: Templates,
    numbers: []i64,
    lines: usize,
    row: usize,
) bool {
    for (ends, 0..) |end, column| {
        const steps = templates.of(column);
        if (steps.len == 0) continue;
        const text = data[ends[column - 1] + 1 .. end]; // the first column has none
        if (!template.read(text, steps, numbers[templates.numbers[column] * lines ..], lines, row)) return false;
    }
    return true;
}

fn canCut(data: []const u8, begin: u32, end: u32, tail: u32) bool {
    if (end - begin < tail) return false;
    return tail == 0 or data[end - tail] & 0xC0 != 0x80;
}
