"""The transferability scores, one module per published definition."""
