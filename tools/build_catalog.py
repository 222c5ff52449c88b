"""Build the catalog's converted tables from others' published records.

    python tools/build_catalog.py UPSTREAM [--output FOLDER] [--only NAME ...] [--scored-only]

UPSTREAM holds the records in folders named mteb, timm, open_clip, matbench_discovery, proteingym and finetuning; see
docs/catalog.md for the repository, commit and licence of each. Tables whose name starts with ``curated`` are written
by hand and not touched. The same records and package versions give the same bytes. Building timm's models takes a
quarter of an hour, because each is built once, without its weights, to count its parameters.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from catalog_converters.writing import read, write_benchmarks

CONVERTERS = ("timm_models", "timm_costs", "torchvision_models", "fine_tuned", "mteb", "open_clip_models", "science")
TABLES = Path(__file__).parent.parent / "zoo" / "catalog" / "tables"


def main(arguments: list[str] | None = None) -> int:
    """Run the requested converters; benchmarks of the others are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("upstream", type=Path, help="folder of the upstream records")
    parser.add_argument("--output", type=Path, default=TABLES, help="folder of the tables")
    parser.add_argument("--only", nargs="+", choices=CONVERTERS, default=CONVERTERS, help="converters to run")
    parser.add_argument("--scored-only", action="store_true", help="leave out models without a score")
    options = parser.parse_args(arguments)
    kept = options.output / "benchmarks.csv"
    benchmarks = {row["key"]: row for row in read(kept)} if kept.exists() else {}
    for name in options.only:
        converter = importlib.import_module(f"catalog_converters.{name}")
        rows = converter.convert(options.upstream, options.output, options.scored_only)
        sources = {row["source"] for row in rows}
        benchmarks = {key: row for key, row in benchmarks.items() if row["source"] not in sources}
        benchmarks |= {row["key"]: row for row in rows}
        print(f"{name}: {len(rows)} benchmarks")
    write_benchmarks(
        kept, ({**row, "higher_is_better": row["higher_is_better"] in (True, "yes")} for row in benchmarks.values())
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
