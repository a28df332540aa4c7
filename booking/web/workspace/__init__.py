"""The workspace of an organisation: its events, slots, bookings, members and history."""
