"""The plugin contract: the hooks and all types that they use."""
