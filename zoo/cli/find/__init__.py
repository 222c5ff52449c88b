"""Commands that search the registry and show its content."""
