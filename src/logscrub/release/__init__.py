"""Cells → what may be released: fold, gate, Parquet, manifest, and the check of it all."""
