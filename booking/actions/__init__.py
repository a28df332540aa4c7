"""Verbs: one use case a file. They join rows, refuse by raising `Refusal`, and never commit."""
