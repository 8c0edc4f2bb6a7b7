//! What Python calls. Pointers become slices here, so that whatever else is wrong stops the process at once:
//! it is built with all checks on, and a failed check says nothing.

const std = @import("std");
const bytes = @import("bytes.zig");
const marked = @import("marked.zig");
const split = @import("split.zig");

pub const panic = std.debug.no_panic;

const out_of_memory = -1;

export fn count_byte(data: [*]const u8, len: usize, byte: u8) usize {
    return bytes.count(data[0..len], byte);
}

export fn places_of(data: [*]const u8, len: usize, byte: u8, places: [*]u32, room: usize) void {
    bytes.places(data[0..len], byte, places[0..room]);
}

export fn marked_lines(
    data: [*]const u8,
    len: usize,
    tails: [*]const u32,
    tail_count: usize,
    begins: [*]u32,
    ends: [*]u32,
    room: usize,
) usize {
    return marked.markedLines(data[0..len], tails[0..tail_count], begins[0..room], ends[0..room]);
}

export fn split_lines(
    data: [*]const u8,
    len: usize,
    columns: usize,
    tail: u32,
    seed: u64,
    lines: usize,
    codes: [*]i32,
    offsets: [*]i32,
    text: [*]u8,
    starts: [*]u32,
    fits: [*]u8,
    distinct: [*]u32,
) isize {
    var arena: std.heap.ArenaAllocator = .init(std.heap.page_allocator);
    defer arena.deinit();
    const rows = split.splitLines(arena.allocator(), data[0..len], columns, tail, seed, .{
        .codes = codes[0 .. (columns + 1) * lines],
        .offsets = offsets[0 .. (columns + 1) * (lines + 1)],
        .text = text[0..len],
        .starts = starts[0..lines],
        .fits = fits[0..lines],
        .distinct = distinct[0 .. columns + 1],
    }) catch return out_of_memory;
    return @intCast(rows);
}
