"""Commands that search the registry and show what it holds."""
