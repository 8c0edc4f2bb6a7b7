"""Files to line-aligned blocks of bytes."""
