"""Explains a ranking: arguments, certainty, caveats, and the next step."""
