"""The request: task, candidates, limits, memory, latency."""
