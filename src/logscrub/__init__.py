"""Raw web, server and app logs in, private traffic statistics out."""

__version__ = "0.1.0"
