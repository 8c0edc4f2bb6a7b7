"""Blocks to columns: three plans, one for each kind of format, and the detection of formats."""
