"""Whisper: its files, its encoder and its decoder."""
