//! Distinct values of a column, numbered in the order in which they first appear.

const std = @import("std");

pub const Span = struct {
    start: u32,
    len: u32,

    pub inline fn of(self: Span, data: []const u8) []const u8 {
        return data[self.start..][0..self.len];
    }
};

const Slot = struct { hash: u32, number: u32 };
const free: u32 = std.math.maxInt(u32);
const first_slots = 1024;

pub const Distinct = struct {
    slots: []Slot = &.{},
    spans: std.ArrayList(Span) = .empty,
    last: u32 = free,
    bytes: usize = 0,

    /// Number of the value that stands at a span of the data. The seed is a secret of the call, so that
    /// nobody can write values which collide.
    pub inline fn number(
        self: *Distinct,
        allocator: std.mem.Allocator,
        data: []const u8,
        span: Span,
        seed: u64,
    ) !u32 {
        const value = span.of(data);
        if (self.last != free) {
            const before = self.spans.items[self.last];
            if (before.len == span.len and std.mem.eql(u8, before.of(data), value)) return self.last;
        }
        self.last = try self.find(allocator, data, span, @truncate(std.hash.Wyhash.hash(seed, value)));
        return self.last;
    }

    fn find(self: *Distinct, allocator: std.mem.Allocator, data: []const u8, span: Span, hash: u32) !u32 {
        if (2 * (self.spans.items.len + 1) > self.slots.len) try self.grow(allocator);
        const mask: u32 = @intCast(self.slots.len - 1);
        var place = hash & mask;
        while (true) : (place = (place + 1) & mask) {
            const slot = self.slots[place];
            if (slot.number == free) break;
            if (slot.hash != hash) continue;
            const known = self.spans.items[slot.number];
            if (known.len == span.len and std.mem.eql(u8, known.of(data), span.of(data))) return slot.number;
        }
        const new: u32 = @intCast(self.spans.items.len);
        try self.spans.append(allocator, span);
        self.slots[place] = .{ .hash = hash, .number = new };
        self.bytes += span.len;
        return new;
    }

    fn grow(self: *Distinct, allocator: std.mem.Allocator) !void {
        const slots = try allocator.alloc(Slot, @max(first_slots, 4 * self.slots.len));
        @memset(slots, .{ .hash = 0, .number = free });
        const mask: u32 = @intCast(slots.len - 1);
        for (self.slots) |slot| {
            if (slot.number == free) continue;
            var place = slot.hash & mask;
            while (slots[place].number != free) place = (place + 1) & mask;
            slots[place] = slot;
        }
        allocator.free(self.slots);
        self.slots = slots;
    }

    /// Write the values one after the other, and where each begins.
    pub fn write(self: *const Distinct, data: []const u8, text: []u8, offsets: []i32) void {
        var at: usize = 0;
        offsets[0] = 0;
        for (self.spans.items, 1..) |span, next| {
            @memcpy(text[at..][0..span.len], span.of(data));
            at += span.len;
            offsets[next] = @intCast(at);
        }
    }
};
