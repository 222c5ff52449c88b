"""Object detection: boxes around objects, their files, metrics and drawings."""
