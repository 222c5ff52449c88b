"""Commands of teams: policies."""
