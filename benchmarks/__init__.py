"""Synthetic logs, and how fast logscrub reads them beside its peers."""
