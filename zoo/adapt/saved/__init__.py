"""Tuned models as folders: writing, loading, their model card, and which samples they were trained on."""
