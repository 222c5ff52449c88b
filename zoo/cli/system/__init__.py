"""Commands for this installation: plugins, caches, health."""
