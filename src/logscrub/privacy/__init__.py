"""What makes a raw value safe: truncation, pseudonyms, children and opt-outs; pure functions, no I/O."""
