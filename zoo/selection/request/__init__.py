"""What was asked for: task, candidates, constraints, memory, latency."""
