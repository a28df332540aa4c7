"""Pages about oneself: signing in, the second factor, sessions, asking to join an organisation."""
