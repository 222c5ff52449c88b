"""``zoo recommend`` as it is typed, on the plugin of poems: races, budgets, layers, Ctrl-C, and what can go wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo.cli import run

WAIT = 300
"""Maximum seconds to wait for another process; it takes a few."""


def recommend(capsys: pytest.CaptureFixture[str], data: Path, *options: str) -> tuple[int, str, str]:
    """Exit code, what was printed, and the errors."""
    capsys.readouterr()
    code = run(["recommend", str(data), "--task", "poem-classification", *options])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def answer(capsys: pytest.CaptureFixture[str], data: Path, *options: str) -> dict:
    code, out, errors = recommend(capsys, data, *options, "--json")
    assert code == 0, errors
    return json.loads(out)


def test_a_race_names_what_stopped_and_what_was_saved(poetry, many_poems, capsys):
    code, out, _ = recommend(capsys, many_poems, "--race")

    assert code == 0
    assert "poems:sloppy" in out
    assert "Stopped after 106 samples: " in out
    assert "behind poems:careful#words, and at least" in out
    assert "Ran 212 of the 1,200 forward passes of a full measurement (18%)." in out


def test_layers_race_and_share_forward_passes(poetry, many_poems, capsys):
    found = answer(capsys, many_poems, "--layers", "all", "--race")

    assert {(c["id"], c["layer"]) for c in found["candidates"]} == {
        (model, layer) for model in ("poems:careful", "poems:sloppy") for layer in ("words", "letters")
    }
    assert found["candidates"][0]["id"] == "poems:careful"
    assert found["forward_passes"]["done"] <= 0.4 * found["forward_passes"]["full"]
    assert all(c["stopped"] for c in found["candidates"])


def test_a_layer_by_its_pattern(poetry, many_poems, capsys):
    found = answer(capsys, many_poems, "--layers", "let*", "--samples", "60")

    assert {c["layer"] for c in found["candidates"]} == {"letters"}


def test_several_estimators_make_columns_with_a_legend(poetry, poems, capsys):
    code, out, _ = recommend(capsys, poems, "--estimator", "knn,logme,parc")

    assert code == 0
    head = next(line for line in out.splitlines() if line.startswith("rank"))
    assert head.replace(" (95 % interval)", "").split()[:5] == ["rank", "model", "knn", "logme", "parc"]
    assert "logme: LogME, in nats per sample; any real number" in out
    assert "Best of 2: nearest-neighbour accuracy 1.000 (95 % interval " in out


def test_a_budget_that_suffices_gives_the_whole_answer(poetry, many_poems, capsys):
    found = answer(capsys, many_poems, "--budget", "10m")

    assert found["partial"] == ""
    assert found["candidates"][0]["id"] == "poems:careful"
    assert found["forward_passes"]["done"] < found["forward_passes"]["full"]


def test_a_budget_that_is_too_short_is_one_sentence(poetry, many_poems, capsys):
    code, out, errors = recommend(capsys, many_poems, "--budget", "0.000001s")

    assert (code, out) == (1, "")
    assert errors == "Error: The budget was spent before one candidate was measured. Give a larger --budget.\n"


@pytest.mark.parametrize("as_json", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_control_c_in_a_race_gives_the_answer_so_far(poetry, many_poems, tmp_path, as_json):
    told = tmp_path / "told"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "packages"), *sys.path]),
        "POEMS_WAIT_FROM": f"poems:sloppy,2,{told}",
    }
    command = [
        sys.executable,
        "-m",
        "zoo",
        "recommend",
        str(many_poems),
        "--task",
        "poem-classification",
        "--race",
        "--candidates",
        "poems:sloppy#*",
        *(["--json"] if as_json else []),
    ]
    started = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - ignored in the background
    )
    deadline = time.monotonic() + WAIT
    while not told.exists() and started.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    out, errors = started.communicate(timeout=WAIT)

    assert started.returncode == 130, errors
    assert "Traceback" not in errors
    if as_json:
        found = json.loads(out)
        assert found["interrupted"]
        assert {(c["layer"], c["samples"]) for c in found["candidates"]} == {("words", 106), ("letters", 106)}
        assert found["candidates"][0]["stopped"] == "Measured on 106 samples: then it was interrupted."
    else:
        assert "PARTIAL ANSWER: It was interrupted before the measurement was complete." in out
        assert "106 x words" in out


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("finite", "sample 7"),
        ("width", "returns vectors of 8 and of 7 numbers in its layer 'words'"),
        ("memory", "Not even one sample fits into memory beside 'poems:careful'"),
    ],
)
def test_a_faulty_model_does_not_affect_the_others_and_is_reported_in_one_sentence(
    poetry, many_poems, monkeypatch, capsys, fault, sentence
):
    monkeypatch.setenv("POEMS_FAULT", fault)

    found = answer(capsys, many_poems, "--candidates", "poems:careful,poems:sloppy")

    assert [c["id"] for c in found["candidates"]] == ["poems:sloppy"]
    [excluded] = found["excluded"]
    assert excluded["id"] == "poems:careful"
    assert excluded["reason"].startswith("could not be measured: ")
    assert sentence in excluded["reason"]
    assert "\n" not in excluded["reason"]


@pytest.mark.parametrize("fault", ["finite", "width", "memory"])
def test_a_faulty_model_alone_ends_in_its_sentence(poetry, many_poems, monkeypatch, capsys, fault):
    monkeypatch.setenv("POEMS_FAULT", fault)

    code, out, errors = recommend(capsys, many_poems, "--candidates", "poems:careful")

    assert (code, out) == (1, "")
    assert errors.startswith("Error: ")
    assert errors.count("\n") == 1


def test_cut_cache_files_are_computed_again_and_never_trusted(poetry, many_poems, capsys, tmp_path):
    options = ("--candidates", "poems:careful,poems:sloppy", "--fresh")
    first = answer(capsys, many_poems, *options)
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file() and path.suffix == ".safetensors"]
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    poetry.FORWARD_PASSES.clear()

    second = answer(capsys, many_poems, *options)

    assert set(poetry.FORWARD_PASSES) == {"poems:careful", "poems:sloppy"}
    assert [c["measured"] for c in second["candidates"]] == [c["measured"] for c in first["candidates"]]


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_one_sentence(poetry, poems, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    code, out, errors = recommend(capsys, poems, "--cluster", f"127.0.0.1:{port}")

    assert (code, out) == (1, "")
    assert errors.startswith(f"Error: The cluster at 127.0.0.1:{port} does not answer: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--layers", ","), "No layer is named."),
        (("--layers", "wordz"), "Did you mean words?"),
        (("--cluster", "somewhere"), "'somewhere' is not the address of a cluster."),
        (("--estimator", "leep"), "has no classifier"),
        (("--estimator", "loogme"), "Did you mean logme?"),
    ],
)
def test_bad_options_are_one_sentence(poetry, poems, capsys, options, sentence):
    code, out, errors = recommend(capsys, poems, "--candidates", "poems:sloppy", *options)

    assert (code, out) == (1, "")
    assert errors.startswith("Error: ")
    assert sentence in errors
    assert errors.count("\n") == 1
