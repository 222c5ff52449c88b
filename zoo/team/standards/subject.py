"""What an approval covers: the model at its revision with its files, the policy and the evidence, as one digest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from zoo.entities import ModelCard, ModelFile
from zoo.errors import InvalidInput
from zoo.tasks import Task
from zoo.team.canonical import canonical
from zoo.team.canonical import digest as digest_of
from zoo.team.standards.entities import Place, evidence_in, files_of, unreadable
from zoo.untrusted import parse_json

Ask = Callable[[str, Sequence[Any]], list[Mapping[str, Any]]]
"""Runs a query and returns its rows, in a transaction that reads or writes."""


def pinned(model: str) -> ModelCard:
    """The card of a model with a revision that cannot change and the hashes of its files, as far as they are known.

    Raises:
        InvalidInput: nothing pins the model.
        ZooError: there is no such model, or its platform cannot be reached.
    """
    from zoo.sources import elsewhere, resolve, source
    from zoo.sources.files.paths import COMMIT

    card = resolve(model)
    if card.source == "file":
        raise InvalidInput(
            f"'{card.id}' cannot be a standard: it is a folder of this machine, which others do not have.",
            "Publish it on a platform, such as the Hub, and propose that model.",
        )
    if where := elsewhere(card.id):
        raise InvalidInput(
            f"'{card.id}' cannot be a standard: its weights are {where}.", "Choose a model of a platform."
        )
    platform = source(card.source)
    here = platform.locate(card)
    if card.source == "hf" and not COMMIT.match(card.revision or ""):
        # A branch or tag may move; the commit that it means now is in the cache, or on the Hub.
        commit = here.revision if here else platform.describe(card.name, card.revision).revision
        card = dataclasses.replace(card, revision=commit, files=())
    if not card.files and here is not None and here.revision == card.revision:
        card = dataclasses.replace(card, files=here.files)
    hashed = bool(card.files) and all(file.sha256 for file in card.files)
    if not card.revision and not hashed:
        raise InvalidInput(
            f"Nothing pins '{card.id}': it has no revision, and not all its files have hashes.", "Pull it first."
        )
    return card


def check_fit(card: ModelCard, task: Task) -> None:
    """Check that a model takes the inputs of a task, as far as its card says.

    Raises:
        InvalidInput: it is a model of another domain, for other inputs and other tasks.
    """
    from zoo.selection.request.candidates import takes

    kind = card.input.get("kind")
    foreign = card.domain not in {task.domain, "other"} and kind is not None and not takes(kind, task)
    if foreign and task.name not in card.tasks:
        fits = f"Its tasks: {', '.join(card.tasks)}." if card.tasks else "Choose a model of that domain."
        raise InvalidInput(
            f"'{card.id}' is a {card.domain} model for inputs of the kind '{kind}', and '{task.name}' is a "
            f"{task.domain} task.",
            fits,
        )


def manifest(files: Iterable[ModelFile]) -> str:
    """The files of a model as canonical JSON, by path."""
    return canonical([file.to_dict() for file in sorted(files, key=lambda file: file.path)])


def digest(place: Place, row: Mapping[str, Any]) -> str:
    """The digest of a proposal: the slot, and the columns of ``proposals`` that an approval covers.

    Raises:
        RegistryError: a column is not JSON; the row was changed by hand.
    """
    try:
        files, evidence = parse_json(row["manifest"]), parse_json(row["evidence"])
    except (ValueError, TypeError) as error:
        owner = f"proposal {row['proposal_key'] if 'proposal_key' in row else row.get('key', '')}".strip()
        raise unreadable("files or evidence", owner) from error
    return digest_of(
        {
            "task": place.task,
            "slot": place.slot,
            "model": row["model"],
            "revision": row["revision"],
            "files": files,
            "policy": row["policy"],
            "evidence": evidence,
        }
    )


def changes(ask: Ask, row: Mapping[str, Any]) -> list[str]:
    """What has changed since a proposal was made, to follow "because"; empty if an approval of it would still hold."""
    found = []
    card = ask("SELECT revision, files FROM models WHERE id = ?", [row["model"]])
    if card and card[0]["revision"] == row["revision"] and card[0]["files"]:
        known = {file.path: file.sha256 for file in files_of(card[0]["files"], f"'{row['model']}'")}
        for file in files_of(row["manifest"], f"proposal {row['key']}"):
            if file.sha256 and known.get(file.path) not in {None, file.sha256}:
                found.append(f"the file {file.path} of '{row['model']}' has another hash")
    for one in evidence_in(row):
        if _content(ask, one["id"]) != one["sha256"]:
            found.append(f"the evidence '{one['id']}' has changed or is gone")
    return found


def evidence_of(ask: Ask, wanted: Iterable[str], card: ModelCard, task: str) -> list[dict[str, str]]:
    """Runs and measurements of a model on a task, each with a digest of its content.

    Args:
        wanted: ids of runs, or ``measurement:17``.

    Raises:
        InvalidInput: one does not exist, or is of another model, revision or task; with those that could be used.
    """
    found = {}
    for reference in wanted:
        kind, _, key = reference.strip().rpartition(":")
        kind = kind or "run"
        table, column = {"run": ("runs", "id"), "measurement": ("measurements", "key")}.get(kind, ("", ""))
        if not table or (kind == "measurement" and not key.isdecimal()):
            raise InvalidInput(f"'{reference}' is not evidence.", "Give the id of a run, or measurement:17.")
        rows = ask(f"SELECT * FROM {table} WHERE {column} = ?", [int(key[:9]) if kind == "measurement" else key])
        if not rows:
            raise InvalidInput(f"There is no {kind} '{key}' in the registry.", _usable(ask, card.id, task))
        row = rows[0]
        for name, value in (("model", card.id), ("task", task)):
            if row[name] != value:
                raise InvalidInput(
                    f"The {kind} '{key}' is of the {name} '{row[name]}', not of '{value}'.", _usable(ask, card.id, task)
                )
        if row["revision"] and card.revision and row["revision"] != card.revision:
            raise InvalidInput(
                f"The {kind} '{key}' is of the revision {row['revision']}, and the proposal is of {card.revision}.",
                _usable(ask, card.id, task),
            )
        id = f"{kind}:{key}"
        found[id] = {"id": id, "sha256": _content(ask, id) or ""}
    return [found[id] for id in sorted(found)]


def _usable(ask: Ask, model: str, task: str) -> str:
    runs = ask("SELECT id FROM runs WHERE model = ? AND task = ? ORDER BY created DESC LIMIT 3", [model, task])
    measured = ask(
        "SELECT key, dataset, estimator FROM measurements WHERE model = ? AND task = ? ORDER BY created DESC LIMIT 3",
        [model, task],
    )
    known = [f"'{row['id']}'" for row in runs]
    known += [f"'measurement:{row['key']}' ({row['estimator']} on {row['dataset']})" for row in measured]
    return f"You can use: {', '.join(known)}." if known else "Measure it first: zoo recommend, or zoo tune."


def _content(ask: Ask, id: str) -> str | None:
    """A digest of a run or measurement; None if it does not exist."""
    kind, _, key = id.partition(":")
    table, column = ("runs", "id") if kind == "run" else ("measurements", "key")
    rows = ask(f"SELECT * FROM {table} WHERE {column} = ?", [key if kind == "run" else int(key)])
    if not rows:
        return None
    text = json.dumps({name: rows[0][name] for name in sorted(rows[0])}, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
