"""What a message says, the invitation it carries, and its delivery. Knows nothing of Flask."""
