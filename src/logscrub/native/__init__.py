"""Work on bytes and columns that Python and Arrow do too slowly, compiled from Zig."""
