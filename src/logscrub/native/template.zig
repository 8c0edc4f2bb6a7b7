//! Text that holds numbers: what stands before, between and after them is known.

const std = @import("std");

/// Steps of a template as bytes: `0, length, text`, or `1, most digits, 1 where a minus may stand before them`.
const literal = 0;

/// Read the numbers of a text that fits a template as a whole into a row of their columns; `-` is none, and 0.
pub fn read(text: []const u8, template: []const u8, numbers: []i64, lines: usize, row: usize) bool {
    var at: usize = 0;
    var step: usize = 0;
    var column: usize = 0;
    while (step < template.len) {
        const size = template[step + 1];
        if (template[step] == literal) {
            const expected = template[step + 2 ..][0..size];
            if (!std.mem.startsWith(u8, text[at..], expected)) return false;
            at += size;
            step += 2 + size;
            continue;
        }
        const end = number(text, at, size, template[step + 2] == 1, &numbers[column * lines + row]) orelse return false;
        at = end;
        column += 1;
        step += 3;
    }
    return at == text.len;
}

fn number(text: []const u8, start: usize, most: usize, signed: bool, value: *i64) ?usize {
    var at = start;
    const minus = at < text.len and text[at] == '-';
    at += @intFromBool(minus);
    const first = at;
    var found: i64 = 0;
    while (at < text.len and at - first < most and std.ascii.isDigit(text[at])) : (at += 1) {
        found = found * 10 + (text[at] - '0');
    }
    if (minus and at > first and !signed) return null;
    if (!minus and at == first) return null;
    value.* = if (minus) -found else found;
    return at;
}
