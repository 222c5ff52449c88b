"""Times searches by a tag in MLflow's model registry, in an environment with MLflow; prints JSON.

    python benchmarks/registry_mlflow.py MODELS.json REPEATS

``MODELS.json`` is a list of {"name": ..., "tags": {...}}; each becomes a registered model in a separate SQLite store.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from importlib.metadata import distributions
from pathlib import Path


def main() -> None:
    from mlflow import MlflowClient

    models, repeats = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/mlflow.db"
        client = MlflowClient(tracking_uri=store, registry_uri=store)
        for model in models:
            client.create_registered_model(model["name"], tags=model["tags"])
        seconds = []
        for _ in range(repeats + 1):
            started = time.perf_counter()
            found = client.search_registered_models("tags.library = 'peft' and tags.license = 'MIT'", max_results=20)
            seconds.append(time.perf_counter() - started)
    versions = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"].startswith("mlflow")}
    print(json.dumps({"found": len(found), "seconds": seconds[1:], "versions": versions}))


if __name__ == "__main__":
    main()
