//! What Python calls. Pointers become slices here, so that whatever else is wrong stops the process at once:
//! it is built with all checks on, and a failed check says nothing.

const std = @import("std");
const bytes = @import("bytes.zig");
const cells = @import("cells.zig");
const marked = @import("marked.zig");
const objects = @import("objects.zig");
const split = @import("split.zig");

pub const panic = std.debug.no_panic;

/// Answer of a function whose work needs more memory than it was given.
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
    scratch: [*]u8,
    scratch_len: usize,
    data: [*]const u8,
    len: usize,
    steps: [*]const u8,
    step_ends: [*]const u32,
    numbers_before: [*]const u32,
    columns: usize,
    tail: u32,
    seed: u64,
    lines: usize,
    codes: [*]i32,
    offsets: [*]i32,
    text: [*]u8,
    numbers: [*]i64,
    number_count: usize,
    starts: [*]u32,
    fits: [*]u8,
    distinct: [*]u32,
) isize {
    var memory: std.heap.FixedBufferAllocator = .init(scratch[0..scratch_len]);
    const templates: split.Templates = .{
        .steps = steps[0..if (columns == 0) 0 else step_ends[columns - 1]],
        .ends = step_ends[0..columns],
        .numbers = numbers_before[0..columns],
    };
    const rows = split.splitLines(memory.allocator(), data[0..len], templates, tail, seed, .{
        .codes = codes[0 .. (columns + 1) * lines],
        .offsets = offsets[0 .. (columns + 1) * (lines + 1)],
        .text = text[0..len],
        .numbers = numbers[0 .. number_count * lines],
        .starts = starts[0..lines],
        .fits = fits[0..lines],
        .distinct = distinct[0 .. columns + 1],
    }) catch return out_of_memory;
    return @intCast(rows);
}

export fn count_cells(
    scratch: [*]u8,
    scratch_len: usize,
    rows: usize,
    cell: [*]const i32,
    visitor: [*]const i32,
    unit: [*]const i32,
    visitors: usize,
    values: [*]const [*]const i64,
    measures: usize,
    bucket: ?[*]const i16,
    no_bucket: i16,
    folds: [*]const u8,
    cell_count: usize,
    k: i64,
    room: usize,
    sums: [*]i64,
    counts: [*]i64,
    visitors_of_cells: [*]i64,
    support: [*]i64,
    listed_cell: [*]i64,
    listed_unit: [*]i64,
    listed_mask: [*]u8,
    listed_longest: [*]i16,
) isize {
    var memory: std.heap.FixedBufferAllocator = .init(scratch[0..scratch_len]);
    const listed = cells.countCells(memory.allocator(), .{
        .cell = cell[0..rows],
        .visitor = visitor[0..rows],
        .unit = unit[0..visitors],
        .values = values[0..measures],
        .bucket = if (bucket) |buckets| buckets[0..rows] else null,
        .folds = folds[0..cell_count],
        .no_bucket = no_bucket,
        .k = k,
    }, .{
        .sums = sums[0 .. cell_count * measures],
        .counts = counts[0 .. cell_count * measures],
        .visitors = visitors_of_cells[0..cell_count],
        .support = support[0..measures],
        .listed_cell = listed_cell[0..room],
        .listed_unit = listed_unit[0..room],
        .listed_mask = listed_mask[0..room],
        .listed_longest = listed_longest[0..room],
    }) catch return out_of_memory;
    return @intCast(listed);
}

export fn read_objects(
    scratch: [*]u8,
    scratch_len: usize,
    data: [*]const u8,
    len: usize,
    begins: [*]const i64,
    ends: [*]const i64,
    lines: usize,
    places: [*]const objects.Place,
    place_count: usize,
    key_text: [*]const u8,
    key_ends: [*]const u32,
    holders: [*]const u32,
    values: [*]const u32,
    keys: usize,
    columns: usize,
    seed: u64,
    codes: [*]i32,
    numbers: [*]f64,
    offsets: [*]i32,
    text: [*]u8,
    fits: [*]u8,
    distinct: [*]u32,
    used: [*]u8,
) isize {
    var memory: std.heap.FixedBufferAllocator = .init(scratch[0..scratch_len]);
    const rows = objects.readObjects(memory.allocator(), .{
        .data = data[0..len],
        .begins = begins[0..lines],
        .ends = ends[0..lines],
    }, .{
        .places = places[0..place_count],
        .text = key_text[0..if (keys == 0) 0 else key_ends[keys - 1]],
        .ends = key_ends[0..keys],
        .holders = holders[0..keys],
        .values = values[0..keys],
    }, seed, .{
        .codes = codes[0 .. columns * lines],
        .numbers = numbers[0 .. columns * lines],
        .offsets = offsets[0 .. columns * (lines + 1)],
        .text = text[0..len],
        .fits = fits[0..lines],
        .distinct = distinct[0..columns],
        .used = used[0..columns],
    }) catch return out_of_memory;
    return @intCast(rows);
}
