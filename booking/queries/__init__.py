"""Reads, for pages, exports and figures. Nothing here writes."""
