//! Lines that may hold the name of a parameter.

const std = @import("std");
const bytes = @import("bytes.zig");

/// Find the lines in which an equals sign stands behind the end of a name, or that hold a backslash.
///
/// A name is told by its last three bytes, in small letters, as a number in the sorted `tails`; a bracket, a
/// plus sign or a space before the sign may hide one, and so may a percent sign in the five bytes before.
/// Gives how many lines were found; `begins` and `ends` have room for all.
pub fn markedLines(data: []const u8, tails: []const u32, begins: []u32, ends: []u32) usize {
    var found: usize = 0;
    var places = bytes.Places("=\\").of(data);
    while (places.next()) |place| {
        if (data[place] == '=' and !isNamed(data, place, tails)) continue;
        const begin = if (std.mem.lastIndexOfScalar(u8, data[0..place], '\n')) |end| end + 1 else 0;
        const end = if (std.mem.indexOfScalarPos(u8, data, place, '\n')) |end| end + 1 else data.len;
        begins[found] = @intCast(begin);
        ends[found] = @intCast(end);
        found += 1;
        places.skip(end);
    }
    return found;
}

const tail_bytes = 3;
const hidden_within = 5;

fn isNamed(data: []const u8, place: usize, tails: []const u32) bool {
    if (place < tail_bytes + 2) return false;
    const before = data[place - tail_bytes - 2 .. place];
    const last = before[before.len - 1];
    if (last == ']' or last == '+' or last == ' ') return true;
    const word = before[before.len - tail_bytes ..];
    var tail: u32 = 0;
    for (word) |byte| tail = tail << 8 | (byte | 0x20);
    if (std.sort.binarySearch(u32, tails, tail, order) != null) return true;
    return std.mem.indexOfScalar(u8, data[place - @min(place, hidden_within) .. place], '%') != null;
}

fn order(wanted: u32, tail: u32) std.math.Order {
    return std.math.order(wanted, tail);
}
