"""Models that are on this machine: folders, installed packages, and what was downloaded before."""
