"""The transferability scores, one module a published definition."""
