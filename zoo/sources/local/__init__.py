"""Models on this machine: folders, installed packages, and downloaded models."""
