//! Sums, visitors and supporters of the cells of a table.

const std = @import("std");

pub const max_measures = 8;

/// What is counted: rows, those of one support unit together and among these those of one visitor.
pub const Rows = struct {
    /// Cell of each row.
    cell: []const i32,
    /// Visitor of each row.
    visitor: []const i32,
    /// Support unit of each visitor.
    unit: []const i32,
    /// Share of each row in each measure.
    values: []const [*]const i64,
    /// Bucket of durations of each row, where they are counted.
    bucket: ?[]const i16,
    /// Whether each cell takes part in the fold.
    folds: []const u8,
    /// Bucket of a unit that has none.
    no_bucket: i16,
    /// Supporters are listed where there are fewer.
    k: i64,
};

/// Memory of the caller, all zero: sums and counts by cell and measure, supporters of each measure over the
/// cells that fold, and room for the supporters that are listed.
pub const Counted = struct {
    sums: []i64,
    counts: []i64,
    visitors: []i64,
    support: []i64,
    listed_cell: []i64,
    listed_unit: []i64,
    listed_mask: []u8,
    listed_longest: []i16,
};

const Pair = struct { cell: u32, unit: i32, mask: u8, longest: i16 };
const Seen = struct { visitor: i32, pair: u32 };
const never: u32 = std.math.maxInt(u32);

/// Count all cells, and give how many supporters are listed.
pub fn countCells(allocator: std.mem.Allocator, rows: Rows, counted: Counted) !usize {
    const measures = rows.values.len;
    const seen = try allocator.alloc(Seen, rows.folds.len);
    @memset(seen, .{ .visitor = -1, .pair = never });
    var pairs: std.ArrayList(Pair) = .empty;
    var supports: [max_measures]i32 = @splat(-1);
    for (rows.cell, rows.visitor, 0..) |cell_number, visitor, row| {
        const cell: u32 = @intCast(cell_number);
        const unit = rows.unit[@intCast(visitor)];
        const here = &seen[cell];
        if (here.visitor != visitor) {
            here.visitor = visitor;
            counted.visitors[cell] += 1;
            if (here.pair == never or pairs.items[here.pair].unit != unit) {
                here.pair = @intCast(pairs.items.len);
                try pairs.append(allocator, .{ .cell = cell, .unit = unit, .mask = 0, .longest = rows.no_bucket });
            }
        }
        const pair = &pairs.items[here.pair];
        const sums = counted.sums[cell * measures ..][0..measures];
        for (rows.values, sums, 0..) |values, *sum, measure| {
            const value = values[row];
            if (value == 0) continue;
            sum.* += value;
            pair.mask |= @as(u8, 1) << @intCast(measure);
            if (supports[measure] != unit and rows.folds[cell] != 0) {
                supports[measure] = unit;
                counted.support[measure] += 1;
            }
        }
        if (rows.bucket) |bucket| pair.longest = @max(pair.longest, bucket[row]);
    }
    for (pairs.items) |pair| {
        const counts = counted.counts[pair.cell * measures ..][0..measures];
        for (counts, 0..) |*count, measure| count.* += pair.mask >> @intCast(measure) & 1;
    }
    return list(rows, counted, pairs.items);
}

/// List the supporters of measures that have few, and of these alone.
fn list(rows: Rows, counted: Counted, pairs: []const Pair) usize {
    const measures = rows.values.len;
    var listed: usize = 0;
    for (pairs) |pair| {
        var mask: u8 = 0;
        for (counted.counts[pair.cell * measures ..][0..measures], 0..) |count, measure| {
            if (count < rows.k) mask |= @as(u8, 1) << @intCast(measure);
        }
        mask &= pair.mask;
        if (mask == 0) continue;
        counted.listed_cell[listed] = pair.cell;
        counted.listed_unit[listed] = pair.unit;
        counted.listed_mask[listed] = mask;
        counted.listed_longest[listed] = pair.longest;
        listed += 1;
    }
    return listed;
}
