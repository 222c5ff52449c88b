"""The plugin's model is in the registry, and its features tell languages apart."""

from pathlib import Path

import pytest
import zoo

GERMAN = ("der hund und die katze", "ich gehe nach hause", "das wetter ist schön", "wir trinken zusammen kaffee")
ENGLISH = ("the dog and the cat", "i am going home", "the weather is lovely", "we drink coffee together")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def test_the_model_is_in_the_registry() -> None:
    assert zoo.show("acme:trigrams").domain == "acme"


def test_its_features_tell_languages_apart(tmp_path: Path) -> None:
    rows = [
        f"{text} {number},{name}"
        for number in range(8)
        for name, texts in (("de", GERMAN), ("en", ENGLISH))
        for text in texts
    ]
    data = tmp_path / "texts.csv"
    data.write_text("\n".join(["text,language", *rows]) + "\n", encoding="utf-8")

    run = zoo.tune("acme:trigrams", str(data), task="acme-classification")

    assert run.metrics["accuracy"] > run.baseline["accuracy"] + 0.3
