"""Clients nobody here wrote read what we write."""
