"""Histories of bookings, played by chance and checked after every step: `python -m tests.states` plays as many as you like."""
