"""The search index in memory: sets of models by word, field and benchmark, as compressed bit sets."""
