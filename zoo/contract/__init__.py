"""The plugin contract: the hooks and every type that they name."""
