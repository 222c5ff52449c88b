"""The README of an adapted model: a model card for people, with the front matter that hubs read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zoo.adapt.comparison import other_metrics
from zoo.kinds.known import kind_of
from zoo.visible import visible


def readme(document: Mapping[str, Any]) -> str:
    """The model card for the content of ``zoo.json``.

    The front matter follows the Hugging Face Hub's model card metadata, figures as ``model-index``. Control characters
    in the names of classes and data are escaped.
    """
    run, card, base = document["run"], document["card"], document["base"]
    name = run["path"].replace("\\", "/").rstrip("/").rpartition("/")[2]
    front = {
        **({"license": card["license"].lower()} if card["license"] else {}),
        **({"language": card["languages"]} if card["languages"] else {}),
        "pipeline_tag": document["task"],
        "tags": ["zoo", document["strategy"]],
        "model-index": [_index(name, document)],
    }
    # JSON is valid YAML, and quotes special characters in names.
    lines = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()), "---", ""]
    lines += [f"# {name}", "", f"`{base['id']}` adapted to `{run['dataset']}` by {document['strategy']}.", ""]
    lines += ["## Results", "", f"On the {run['plan']['test_samples']:,} samples of the test part, seed {run['seed']}:"]
    others, ends = {**other_metrics(run["plan"]), "baseline": run["baseline"]}, run["intervals"]
    lines += ["", f"| metric | this model | 95 % interval | {' | '.join(others)} |"]
    lines += [f"|---|---:|---:|{'---:|' * len(others)}"]
    for key, value in run["metrics"].items():
        interval = " to ".join(f"{end:.4f}" for end in ends.get(key, ())) or "-"
        cells = [f"{value:.4f}", interval, *(f"{figures.get(key, 0):.4f}" for figures in others.values())]
        lines += [f"| {key} | {' | '.join(cells)} |"]
    guess = kind_of(str(document["target_kind"])).baseline_title
    lines += ["", f"The baseline always predicts the {guess} of the training samples.", ""]
    lines += ["## Details", ""]
    lines += [f"- base model: `{base['id']}`" + (f", revision `{base['revision']}`" if base["revision"] else "")]
    lines += [f"- task: {document['task']}"]
    if document["classes"]:
        lines += [f"- classes: {', '.join(document['classes'])}"]
    lines += [f"- data: `{run['dataset']}`, {run['samples']} samples, fingerprint `{run['data']}`"]
    lines += [f"- weights: {_weights(document)}"]
    decides = document["classes"] and kind_of(str(document["target_kind"])).estimable
    lines += [f"- decision: {_decision(document)}"] if decides else []
    lines += [f"- run: `{run['id']}`, {run['seconds']:.1f} s on {run['device']}, {run['created']}"]
    lines += [f"- versions: {', '.join(f'{k} {v}' for k, v in run['versions'].items())}", ""]
    lines += ["## Usage", "", "```", f"zoo predict file:{run['path']} INPUT", "```", ""]
    lines += ["The base model must be on the same machine; it provides the preprocessing.", ""]
    return "\n".join(map(visible, lines))


def _index(name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    run = document["run"]
    metrics = [{"type": key, "value": value} for key, value in run["metrics"].items()]
    dataset = {"name": run["dataset"], "type": run["dataset"], "split": "test"}
    return {"name": name, "results": [{"task": {"type": document["task"]}, "dataset": dataset, "metrics": metrics}]}


def _decision(document: Mapping[str, Any]) -> str:
    found = document["decision"]
    if document.get("thresholds"):
        return "each label whose probability is above its own threshold, in `zoo.json`"
    shown = f"logits divided by the temperature {found['temperature']:.3g}"
    if found["threshold"] is None:
        return f"{shown}; the most probable class"
    rare = document["classes"][found["rare"]]
    return f"{shown}; '{rare}' from probability {found['threshold']:.3g} on"


def _weights(document: Mapping[str, Any]) -> str:
    if document["weights"] == "head":
        return f"a linear head on the layer `{document['layer']}`; the base model is unchanged"
    if document["weights"] == "adapter":
        return "an adapter of the library peft, with the new head; the base model is unchanged"
    return "all of them, head included"
