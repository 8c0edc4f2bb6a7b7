//! Distinct values of a column, numbered in the order in which they first appear.

const std = @import("std");

const Slot = struct { hash: u32, number: u32 };
const free: u32 = std.math.maxInt(u32);
const first_slots = 1024;

pub const Distinct = struct {
    allocator: std.mem.Allocator,
    /// A secret of the call, so that nobody can write values which collide.
    seed: u64,
    slots: []Slot = &.{},
    /// The values one after the other: what is looked at again and again stands close together.
    text: std.ArrayList(u8) = .empty,
    /// Where each ends.
    ends: std.ArrayList(u32) = .empty,
    last: u32 = free,

    /// Number of a value.
    pub inline fn number(self: *Distinct, value: []const u8) !u32 {
        if (self.last != free and std.mem.eql(u8, self.at(self.last), value)) return self.last;
        self.last = try self.find(value, @truncate(std.hash.Wyhash.hash(self.seed, value)));
        return self.last;
    }

    pub fn count(self: *const Distinct) usize {
        return self.ends.items.len;
    }

    inline fn at(self: *const Distinct, which: u32) []const u8 {
        const begin = if (which == 0) 0 else self.ends.items[which - 1];
        return self.text.items[begin..self.ends.items[which]];
    }

    fn find(self: *Distinct, value: []const u8, hash: u32) !u32 {
        if (2 * (self.count() + 1) > self.slots.len) try self.grow();
        const mask: u32 = @intCast(self.slots.len - 1);
        var place = hash & mask;
        while (true) : (place = (place + 1) & mask) {
            const slot = self.slots[place];
            if (slot.number == free) break;
            if (slot.hash == hash and std.mem.eql(u8, self.at(slot.number), value)) return slot.number;
        }
        const new: u32 = @intCast(self.count());
        try self.text.appendSlice(self.allocator, value);
        try self.ends.append(self.allocator, @intCast(self.text.items.len));
        self.slots[place] = .{ .hash = hash, .number = new };
        return new;
    }

    fn grow(self: *Distinct) !void {
        const slots = try self.allocator.alloc(Slot, @max(first_slots, 4 * self.slots.len));
        @memset(slots, .{ .hash = 0, .number = free });
        const mask: u32 = @intCast(slots.len - 1);
        for (self.slots) |slot| {
            if (slot.number == free) continue;
            var place = slot.hash & mask;
            while (slots[place].number != free) place = (place + 1) & mask;
            slots[place] = slot;
        }
        self.slots = slots;
    }

    /// Write the values one after the other, and where each begins and the last one ends.
    pub fn write(self: *const Distinct, text: []u8, offsets: []i32) void {
        @memcpy(text[0..self.text.items.len], self.text.items);
        offsets[0] = 0;
        for (self.ends.items, 1..) |end, next| offsets[next] = @intCast(end);
    }
};
