"""Forms: their fields, their CSRF token, and the sentences beside them. What is right is asked of the models."""
