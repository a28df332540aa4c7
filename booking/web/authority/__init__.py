"""The workspace of an authority: editions, labels, imports, organisations, the journal."""
