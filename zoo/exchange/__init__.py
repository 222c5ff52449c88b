"""A registry's content in files: JSON, JSONL and Parquet, and formats of other tools.

JSON is one document with a list for each kind of item; JSONL has one item per line, with its ``kind`` (``model``,
``score``, ``measurement`` or ``run``), and streams. An exported file that is imported into an empty registry is
exported again byte for byte.
"""

from __future__ import annotations

from zoo.exchange.exporting import export
from zoo.exchange.formats import EXPORTED, FORMATS, IMPORTED
from zoo.exchange.importing import import_file

__all__ = ["EXPORTED", "FORMATS", "IMPORTED", "export", "import_file"]
