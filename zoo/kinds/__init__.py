"""The kinds of sample, target and answer that several domains share: image, audio, text, classes, numbers."""
