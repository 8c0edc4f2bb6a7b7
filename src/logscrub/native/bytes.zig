//! Places of bytes in text, found many at a time.

const std = @import("std");

pub const width = 64;
const Lane = @Vector(width, u8);

/// Walks over the places of any of some bytes, in order.
pub fn Places(comptime bytes: []const u8) type {
    return struct {
        data: []const u8,
        base: usize = 0,
        found: u64 = 0,

        const Self = @This();

        pub fn of(data: []const u8) Self {
            var self: Self = .{ .data = data };
            self.found = self.look();
            return self;
        }

        pub inline fn next(self: *Self) ?usize {
            while (self.found == 0) {
                if (self.data.len - self.base <= width) return null;
                self.base += width;
                self.found = self.look();
            }
            const place = self.base + @ctz(self.found);
            self.found &= self.found - 1;
            return place;
        }

        /// Go on behind a place, which is not before the last one that was given.
        pub inline fn skip(self: *Self, place: usize) void {
            const base = place - place % width;
            if (base != self.base) {
                if (base >= self.data.len) {
                    self.found = 0;
                    self.base = self.data.len;
                    return;
                }
                self.base = base;
                self.found = self.look();
            }
            self.found &= @as(u64, std.math.maxInt(u64)) << @intCast(place % width);
        }

        inline fn look(self: *const Self) u64 {
            const left = self.data.len - self.base;
            if (left >= width) return marks(self.data[self.base..][0..width].*);
            var last: [width]u8 = @splat(0);
            @memcpy(last[0..left], self.data[self.base..]);
            const within = (@as(u64, 1) << @intCast(left)) - 1;
            return marks(last) & within;
        }

        inline fn marks(chunk: [width]u8) u64 {
            const lane: Lane = chunk;
            var found: u64 = 0;
            inline for (bytes) |byte| found |= @bitCast(lane == @as(Lane, @splat(byte)));
            return found;
        }
    };
}

pub fn count(data: []const u8, byte: u8) usize {
    var found: usize = 0;
    var base: usize = 0;
    while (data.len - base >= width) : (base += width) {
        const lane: Lane = data[base..][0..width].*;
        const equal: u64 = @bitCast(lane == @as(Lane, @splat(byte)));
        found += @popCount(equal);
    }
    for (data[base..]) |one| found += @intFromBool(one == byte);
    return found;
}

/// Write where a byte stands, of which there are as many as there is room.
pub fn places(data: []const u8, byte: u8, found: []u32) void {
    var at: usize = 0;
    var base: usize = 0;
    while (base < data.len) : (base += width) {
        var chunk: [width]u8 = undefined;
        const left = @min(width, data.len - base);
        if (left < width) chunk = @splat(0);
        @memcpy(chunk[0..left], data[base..][0..left]);
        const lane: Lane = chunk;
        var equal: u64 = @bitCast(lane == @as(Lane, @splat(byte)));
        if (left < width) equal &= (@as(u64, 1) << @intCast(left)) - 1;
        while (equal != 0) : (equal &= equal - 1) {
            found[at] = @intCast(base + @ctz(equal));
            at += 1;
        }
    }
}
