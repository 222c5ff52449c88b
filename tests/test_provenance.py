"""Versions and revisions: what they name, and when a figure may be used again."""

from __future__ import annotations

import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from zoo import __version__, provenance
from zoo.entities import ModelCard, ModelFile


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Versions of distributions in place of those that are installed, by name."""
    versions: dict[str, str] = {}

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(provenance.metadata, "version", version)
    provenance._version.cache_clear()
    yield versions
    provenance._version.cache_clear()


def test_versions_are_those_of_zoo_and_of_what_is_installed(installed: dict[str, str]) -> None:
    installed.update({"torch": "2.9", "numpy": "2.0"})

    found = provenance.versions()

    assert found == {"zoo": __version__, "python": found["python"], "numpy": "2.0", "torch": "2.9"}


@pytest.mark.parametrize(
    ("changed", "current"),
    [
        ({}, True),
        ({"torch": "3.0"}, False),
        ({"chgnet": "0.5"}, False),
        ({"chgnet": None}, False),
        ({"timm": "1.0"}, False),
        ({"unrelated": "2.0"}, True),
    ],
)
def test_a_figure_is_current_only_with_the_same_software(
    installed: dict[str, str], changed: dict[str, str | None], current: bool
) -> None:
    installed.update({"torch": "2.9", "chgnet": "0.4", "unrelated": "1.0"})
    recorded = {**provenance.versions(), "chgnet": "0.4", "python": "3.9"}

    for name, version in changed.items():
        installed.pop(name, None)
        provenance._version.cache_clear()
        if version is not None:
            installed[name] = version

    assert provenance.are_current(recorded) is current


def test_a_figure_that_names_fewer_distributions_is_not_current(installed: dict[str, str]) -> None:
    installed.update({"torch": "2.9", "scikit-learn": "1.9"})
    recorded = provenance.versions()
    del recorded["scikit-learn"]

    assert not provenance.are_current(recorded)
    assert not provenance.are_current({**provenance.versions(), "zoo": "0.0.1"})


def test_libraries_are_those_of_a_backbone_and_of_its_parts() -> None:
    """By real packages: a class of click, holding a backbone of pluggy's and a module with a part of rich's."""
    import click
    import pluggy
    import rich.text

    class Wrapped(pluggy.PluginManager):
        def preprocess(self, item: object) -> object:
            return item

    class Backbone(click.Command):
        module = SimpleNamespace(modules=lambda: [rich.text.Text("x")])

        def __init__(self) -> None:
            super().__init__("x")
            self.inner = Wrapped("x")

    found = provenance.libraries_of(Backbone())

    assert {"click", "pluggy", "rich"} <= found.keys()
    assert found["click"] == metadata.version("click")
    assert "foundation-zoo" not in found


def test_a_package_not_named_like_its_distribution_is_found() -> None:
    pytest.importorskip("PIL")
    import PIL.Image

    assert provenance.libraries_of(PIL.Image.open) == {"pillow": metadata.version("pillow")}
    assert provenance.libraries_of(sys.exit, provenance.versions) == {}


def test_the_revision_is_a_digest_of_the_files_if_there_is_none() -> None:
    files = (ModelFile("b.bin", sha256="2" * 64), ModelFile("a.bin", sha256="1" * 64))

    assert provenance.revision_of(ModelCard("hf:a/b", "vision", revision="abc", files=files)) == "abc"
    digest = provenance.revision_of(ModelCard("hf:a/b", "vision", files=files))
    assert digest == provenance.revision_of(ModelCard("hf:a/b", "vision", files=files[::-1]))
    assert digest != provenance.revision_of(ModelCard("hf:a/b", "vision", files=files[:1]))
    assert provenance.revision_of(ModelCard("hf:a/b", "vision")) is None
