"""Hits → visits → cells of the tables."""
