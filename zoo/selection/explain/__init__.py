"""Explains a ranking: reasons for and against, certainty, caveats, and the next step."""
