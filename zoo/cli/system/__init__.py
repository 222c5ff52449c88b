"""Commands that look after this installation: plugins, caches, health."""
