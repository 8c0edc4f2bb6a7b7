//! Lines to columns: each line is cut at a delimiter, and each column is told by its distinct values.

const std = @import("std");
const bytes = @import("bytes.zig");
const Distinct = @import("distinct.zig").Distinct;
const Span = @import("distinct.zig").Span;

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
    /// Whether each line is a row.
    fits: []u8,
    /// How many distinct values each column has.
    distinct: []u32,
};

/// Cut the lines of a block at their quotes into so many columns; `tail` bytes at the end of the first one are
/// a column of their own, in front. A line of another width is no row, nor is one whose tail would begin
/// before the line or inside a character.
pub fn splitLines(
    allocator: std.mem.Allocator,
    data: []const u8,
    columns: usize,
    tail: u32,
    seed: u64,
    result: Result,
) !usize {
    var known: [max_columns + 1]Distinct = @splat(.{});
    const lines = result.starts.len;
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
        const fits = width + 1 == columns and canCut(data, begin, ends[0], tail);
        result.fits[line] = @intFromBool(fits);
        if (fits) {
            const cut = ends[0] - tail;
            if (tail > 0) {
                const span: Span = .{ .start = cut, .len = tail };
                result.codes[rows] = @intCast(try known[0].number(allocator, data, span, seed));
            }
            var start = begin;
            for (ends[0..columns], 0..) |end, at| {
                const span: Span = .{ .start = start, .len = (if (at == 0) cut else end) - start };
                const code = try known[at + 1].number(allocator, data, span, seed);
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
        one.write(data, result.text[at..][0..one.bytes], result.offsets[column * (lines + 1) ..][0 .. lines + 1]);
        at += one.bytes;
        result.distinct[column] = @intCast(one.spans.items.len);
    }
    return rows;
}

fn canCut(data: []const u8, begin: u32, end: u32, tail: u32) bool {
    if (end - begin < tail) return false;
    return tail == 0 or data[end - tail] & 0xC0 != 0x80;
}
