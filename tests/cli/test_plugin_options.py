"""Options of plugins: which command and function takes which, how the help shows them, and how each is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from PIL import Image

import zoo
from zoo.cli import cli, run
from zoo.config import configured, setting
from zoo.contract.option import COMMANDS
from zoo.entities import Dataset
from zoo.errors import InvalidInput
from zoo.features.writing import extract_to
from zoo.kinds.known import kind_of
from zoo.plugins import plugins

MODEL, DIGITS = "pkg:efficientnet-lite0", "sklearn:digits:40"
READING = {"horizon"}
METRICS = {"asr_model", "speaker_encoder", "quality_model", "frechet_model", "clap_model", "image_model"}
EVALUATING = READING | METRICS | {"vocoder", "languages", "max_cost"}
GENERATION = {"count", "seed", "steps", "guidance"}
TAKEN = {
    "profile": READING,
    "features": READING | {"max_cost"},
    "predict": READING | GENERATION | {"target_column", "languages", "max_cost", "vocoder", "speaker_encoder"},
    "evaluate": EVALUATING,
    "tune": EVALUATING,
    "recommend": EVALUATING,
}
VALUES = {"horizon": 3, "languages": "en,de", "count": 2, "seed": 1, "steps": 5, "guidance": 2.5}
WORDS = {
    "horizon": "time series",
    "target_column": "time series and weather",
    "languages": "translation",
    "image_model": "image generation",
    "frechet_model": "generated music",
    "clap_model": "generated music",
    **dict.fromkeys(GENERATION, "image generation"),
    **dict.fromkeys(("asr_model", "speaker_encoder", "quality_model", "vocoder"), "synthesised speech"),
}
"""What each option that does not apply to every model applies to."""

CALLS: Mapping[str, Callable[..., Any]] = {
    "profile": zoo.profile,
    "features": lambda data, **given: extract_to("x.npz", MODEL, data, **given),
    "predict": lambda data, **given: zoo.predict(MODEL, "0.png", **given),
    "evaluate": lambda data, **given: zoo.evaluate(MODEL, data, **given),
    "tune": lambda data, **given: zoo.tune(MODEL, data, save_run=False, **given),
    "recommend": lambda data, **given: zoo.recommend(data, candidates=MODEL, **given),
}
ARGUMENTS = {
    "profile": [DIGITS],
    "features": [MODEL, DIGITS, "-o", "x.npz"],
    "predict": [MODEL, "0.png"],
    "evaluate": [MODEL, DIGITS],
    "tune": [MODEL, DIGITS, "--no-save-run"],
    "recommend": [DIGITS, "--candidates", MODEL],
}
REFUSED = [(command, name) for command in TAKEN for name in sorted(TAKEN[command] & set(WORDS))]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (32, 32)).save("0.png")


def shown(command: str) -> str:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    return found.get_help(click.Context(found, info_name=command))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_lists_the_options_of_a_command_by_group(command: str) -> None:
    general, *groups = shown(command).partition("Options:")[2].split("\n\n")
    assert general.rstrip().endswith("Show this message and exit.")
    listed = {
        name: group.partition(":")[0]
        for name, option in plugins().options.items()
        for group in groups
        if f"\n  {option.flag} " in group
    }
    assert listed == {name: plugins().options[name].group for name in TAKEN[command]}


@pytest.mark.parametrize(("command", "name"), REFUSED)
def test_an_option_is_refused_for_what_it_does_not_apply_to(
    command: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flag, value = plugins().options[name].flag, VALUES.get(name, "x")
    with pytest.raises(InvalidInput) as caught:
        CALLS[command](DIGITS, options={name: value})

    assert caught.value.message.startswith(f"{flag} applies only to {WORDS[name]}; ")
    is_instead = (
        "was read as images with classes.",
        "used here for image-classification.",
        "here is image-classification.",
    )
    assert caught.value.message.endswith(is_instead)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(f"Leave {flag} out, or ")
    assert run([command, *ARGUMENTS[command], flag, str(value)]) == 1
    assert f"Error: {caught.value.message} {caught.value.hint}" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("command", TAKEN)
def test_an_option_of_other_commands_is_refused_by_name(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in set(plugins().options) - TAKEN[command] - {"target_column", "seed"}:
        with pytest.raises(InvalidInput, match=f"The option '{name}' has no effect on {command}"):
            CALLS[command](DIGITS, options={name: VALUES.get(name, "x")})
        flag = plugins().options[name].flag
        assert run([command, *ARGUMENTS[command], flag, "1"]) == 2
        assert "No such option" in capsys.readouterr().err


@pytest.mark.parametrize("command", TAKEN)
def test_an_unknown_option_is_refused_by_name(command: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        CALLS[command](DIGITS, options={"horizons": 3})
    assert caught.value.message == f"{command}() has no option 'horizons'."
    assert caught.value.hint == "Did you mean horizon?"


@pytest.mark.parametrize(
    ("command", "name", "value", "reason"),
    [
        ("profile", "horizon", 0, "'0' is not a number of steps; write 1 or more."),
        ("predict", "count", 0, "'0' is not an integer of at least 1."),
        ("predict", "seed", -1, "'-1' is not an integer of at least 0."),
        ("predict", "steps", 1001, "'1001' is not an integer from 1 to 1,000."),
        ("predict", "guidance", -1, "'-1' is not a number of at least 0."),
        ("evaluate", "max_cost", "much", "'much' is not an amount in dollars, such as 0.02."),
        ("evaluate", "languages", "en", "'en' is not a pair of languages; name source and target, such as en,de."),
    ],
)
def test_an_invalid_value_is_refused(
    command: str, name: str, value: Any, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flag = plugins().options[name].flag
    with pytest.raises(InvalidInput) as caught:
        CALLS[command](DIGITS, options={name: value})
    assert str(caught.value) == f"{flag} is not valid: {reason}"
    assert run([command, *ARGUMENTS[command], flag, str(value)]) == 2
    assert f"Invalid value for '{flag}': {reason.rstrip('.')}" in capsys.readouterr().err


def test_a_setting_holds_for_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.adapt.evaluation._evaluate", lambda *_, **__: setting("asr_model"))
    assert zoo.evaluate("m", "d", options={"asr_model": "pkg:mine"}) == "pkg:mine"
    assert setting("asr_model") is None


def test_a_loaded_model_takes_no_option_of_the_loading() -> None:
    model: Any = SimpleNamespace(card=SimpleNamespace(id="pkg:loaded"))
    data = Dataset("poems", "text", ("a", "b"), (0, 1), classes=("x", "y"), target_kind="class")
    for call in (
        lambda **given: zoo.evaluate(model, data, **given),
        lambda **given: zoo.predict(model, ["a"], **given),
    ):
        with pytest.raises(InvalidInput, match=r"'max_cost' has no effect on \w+\(\) here: 'pkg:loaded' is already"):
            call(options={"max_cost": 2})


def test_without_measuring_no_model_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidInput, match="--max-cost has no effect with --no-measure, which runs no model"):
        zoo.recommend(DIGITS, measure=False, options={"max_cost": 2})
    assert run(["recommend", DIGITS, "--no-measure", "--max-cost", "2"]) == 1
    assert "--max-cost has no effect with --no-measure" in capsys.readouterr().err


def asked(task: str, **backbone: Any) -> Any:
    return SimpleNamespace(card=SimpleNamespace(id="file:m", tasks=(task,)), backbone=SimpleNamespace(**backbone))


@pytest.mark.parametrize(
    ("kind", "model", "options", "reason"),
    [
        (
            "prompt",
            asked("unconditional-image-generation"),
            {"count": 2},
            "--count applies only to models that take prompts; the input of 'file:m' is the number of images.",
        ),
        (
            "prompt",
            asked("text-to-image", generator=SimpleNamespace(guided=False)),
            {"guidance": 2.0},
            "--guidance applies only to models that take text prompts; 'file:m' does not.",
        ),
        (
            "utterance",
            asked("text-to-speech", one_voice=True),
            {"vocoder": "x"},
            "--vocoder applies only to SpeechT5; 'file:m' has a voice of its own.",
        ),
        (
            "utterance",
            asked("text-to-speech", one_voice=True),
            {"speaker_encoder": "x"},
            "--speaker-encoder applies only to SpeechT5; 'file:m' has a voice of its own.",
        ),
    ],
)
def test_an_option_is_refused_for_other_models_of_its_task(
    kind: str, model: Any, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        kind_of(kind).read_typed(["4"], options, model)
    assert caught.value.message == reason
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(f"Leave {reason.split(maxsplit=1)[0]} out")


def test_workers_get_what_was_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.selection.measure import remote

    class Here:
        """Runs tasks in this process, after the settings of the caller are gone."""

        def share(self, value: Any) -> Any:
            return value

        def map(self, function: Any, tasks: Any, resources: Any, *shared: Any, check: Any) -> Any:
            for task in tasks:
                yield SimpleNamespace(task=task, result=function(task, *shared), error=None)

    monkeypatch.setattr(remote, "_card", lambda *_: None)
    loaded = SimpleNamespace(get=lambda card: SimpleNamespace(layers=(f"{setting('max_cost')}",)))
    monkeypatch.setattr(remote, "_models", lambda *_: loaded)
    names = ("samples", "estimators", "dtype", "seed", "read", "reference")
    data = Dataset("poems", "text", ("a", "b"), fingerprint="1")
    plan: Any = SimpleNamespace(dataset=data, task=SimpleNamespace(name="t"), device="cpu", **dict.fromkeys(names))
    with configured({"max_cost": 2.0}):
        extractor = remote.RemoteExtractor(plan, None, Here(), None)  # type: ignore[arg-type]
    assert extractor.layers(zoo.ModelCard("pkg:a", "vision", ("t",))) == ("2.0",)
