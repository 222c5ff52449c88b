"""Question answering: questions with a context, and spans of it as answers."""
