"""Names for distinct raw values: software from user agents, sources from referrers."""
