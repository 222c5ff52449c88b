"""timm: the cost of architectures at each input size: operations, activations, and time on two machines."""

from __future__ import annotations

from pathlib import Path

from catalog_converters.writing import Row, number, read, write_table

_CPU = "benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv"
_GPU = "benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv"


def convert(upstream: Path, output: Path, scored_only: bool = False) -> list[Row]:
    """Write ``vision/timm.costs.csv``; it holds no benchmark."""
    costs: dict[tuple[str, int], dict[str, str]] = {}
    for table, column in ((_CPU, "cpu_ms"), (_GPU, "gpu_ms")):
        for row in read(upstream / "timm" / table):
            if not row["infer_macts"]:
                continue
            known = costs.setdefault((row["model"], int(row["infer_img_size"])), {})
            known["gmacs"], known["activations"] = row["infer_gmacs"], row["infer_macts"]
            known[column] = number(1000 / float(row["infer_samples_per_sec"]))
    columns = ("gmacs", "activations", "cpu_ms", "gpu_ms")
    write_table(
        output / "vision" / "timm.costs.csv",
        ("architecture", "size", *columns),
        (
            [name, str(size), *(row.get(column, "") for column in columns)]
            for (name, size), row in sorted(costs.items())
        ),
    )
    return []
