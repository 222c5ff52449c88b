"""``python -m zoo`` is the same as ``zoo``."""

from zoo.cli import main

main()
