"""Decides which candidates to measure or fine-tune next, and when to stop."""
