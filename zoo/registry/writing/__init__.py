"""Writing: validated cards, scores, measurements and runs, in transactions."""
