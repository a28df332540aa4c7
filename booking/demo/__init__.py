"""A small believable world: the editions of 2011 and 2023, and one for next week."""
