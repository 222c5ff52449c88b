"""The file ``zoo.lock``: written the same for the same content, read with care."""

from __future__ import annotations

import dataclasses
import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.entities import ModelFile
from zoo.errors import LockError, LockNotice
from zoo.team.lock.entities import Agreed, Lock, LockedModel
from zoo.team.lock.reading import find_lock, read_lock
from zoo.team.lock.writing import text_of, write

DIGEST, COMMIT = "ab" * 32, "0123456789abcdef0123456789abcdef01234567"
FILES = (ModelFile("config.json", 612, DIGEST), ModelFile("onnx/model.onnx", 3, "cd" * 32))
MODEL = LockedModel("hf:google/vit", FILES, None, COMMIT, "Apache-2.0", "621ffdc136468d709f180294")
STANDARD = LockedModel(
    "pkg:wordllama/64",
    FILES[:1],
    "text-classification/small",
    "0.4.0.post1",
    verdict="needs-approval",
    rules=("licences", "origin"),
    agreed=Agreed(31, ("ana@acme.example", "bo@acme.example"), "2026-11-29", "ef" * 32),
    requires=("wordllama==0.4.0.post1",),
)


def lock_in(folder: Path, *models: LockedModel) -> Lock:
    return Lock(folder / "zoo.lock", models, "12" * 32, "acme-ml", f"412:{DIGEST}")


def changed(folder: Path, old: str, new: str) -> Path:
    """A lock with two models in which a text is replaced."""
    lock = lock_in(folder, MODEL, STANDARD)
    text = text_of(lock)
    assert old in text
    lock.path.write_text(text.replace(old, new), encoding="utf-8")
    return lock.path


def test_it_reads_what_it_wrote(tmp_path: Path) -> None:
    lock = lock_in(tmp_path, MODEL, STANDARD)
    write(lock)
    assert read_lock(lock.path) == lock
    assert (tmp_path / "zoo.lock").read_text() == text_of(lock)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip())
names = st.text(string.ascii_letters + string.digits + "._-ä日 ", min_size=1, max_size=20).filter(
    lambda name: name.strip(" .") not in {"", ".", ".."} and name == name.strip()
)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
files = st.builds(ModelFile, names, st.integers(0, 2**53), digests)
agreements = st.builds(
    Agreed,
    st.integers(1, 10**9),
    st.lists(words.map(str.strip), min_size=1, max_size=3).map(tuple),
    st.dates().map(lambda day: day.isoformat()),
    digests,
)


def as_standard(model: LockedModel) -> LockedModel:
    """A model that was agreed on is locked as a standard."""
    return dataclasses.replace(model, standard=f"some-task/{model.id[-8:]}") if model.agreed else model


models = st.builds(
    LockedModel,
    st.uuids().map(lambda number: f"pkg:{number}"),
    st.lists(files, min_size=1, max_size=3, unique_by=lambda file: file.path).map(
        lambda found: tuple(sorted(found, key=lambda file: file.path))
    ),
    st.none(),
    words.map(str.strip),
    words.map(str.strip),
    words.map(str.strip),
    st.sampled_from(["allow", "warn", "needs-approval"]),
    st.lists(words.map(str.strip), max_size=2).map(tuple),
    st.none() | agreements,
    st.lists(words.map(str.strip), max_size=2).map(tuple),
).map(as_standard)


@given(st.lists(models, max_size=4, unique_by=lambda model: model.id), st.integers())
def test_any_content_survives_and_its_order_does_not_matter(tmp_path_factory, found, seed) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    found = sorted(found, key=lambda model: model.id)
    lock = lock_in(folder, *found)
    shuffled = list(found)
    random.Random(seed).shuffle(shuffled)
    assert text_of(dataclasses.replace(lock, models=tuple(shuffled))) == text_of(lock)
    write(lock)
    assert read_lock(lock.path) == lock


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_in_one_sentence(tmp_path_factory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "bytes"
    folder.mkdir(exist_ok=True)
    path = folder / "zoo.lock"
    path.write_bytes(content)
    with pytest.raises(LockError) as caught:
        read_lock(path)
    assert "\n" not in caught.value.message


def test_each_model_is_a_block_of_lines_that_a_merge_keeps_apart(tmp_path: Path) -> None:
    one, both = text_of(lock_in(tmp_path, MODEL)), text_of(lock_in(tmp_path, MODEL, STANDARD))
    assert both.startswith(one)
    assert len(both.splitlines()) - len(one.splitlines()) == 1 + both[len(one) :].strip().count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('lock-version = "1.0"', 'lock-version = "2.0"', "has the version 2.0, and this zoo reads 1.0"),
        ('lock-version = "1.0"', "lock-version = 1", "must be text"),
        ('lock-version = "1.0"\n', "", "must be text"),
        ("audit-head", "audit-haed", "no key 'audit-haed'. Did you mean audit-head"),
        ("license =", "licence =", "no key 'licence'. Did you mean license"),
        ("[[models]]\nid", "<<<<<<< HEAD\n[[models]]\nid", "zoo.lock:7 has the marks of a merge conflict"),
        ('path = "config.json"', 'path = "../../x"', "does not stay in its folder"),
        ('path = "config.json"', 'path = "/etc/passwd"', "is absolute"),
        ('path = "config.json"', 'path = "a\\u0000b"', "control character"),
        (DIGEST, DIGEST.upper(), "64 hex digits"),
        ("bytes = 612", "bytes = -1", "at least 0"),
        ("bytes = 612", "bytes = true", "whole number"),
        (f'revision = "{COMMIT}"', 'revision = "main"', "no commit of 40 hex digits"),
        ("hf:google/vit", "file:/models/mine", "cannot be locked"),
        ("hf:google/vit", "hf:google/vit@main", "cannot be locked"),
        ("hf:google/vit", "google/vit", "is not a model id"),
        ("hf:google/vit", "pkg:wordllama/64", None),
        ("text-classification/small", "text-classification/default", "is not a standard"),
        ("text-classification/small", "../x", "is not a task and slot"),
        ('verdict = "allow"', 'verdict = "deny"', "names 'deny'"),
        ("on = 2026-11-29", 'on = "yesterday"', "must be a date"),
        ("proposal = 31", "proposal = 0", "at least 1"),
        ('audit-head = "412:', 'audit-head = "0:', "a number and 64 hex digits"),
        ('name = "acme-ml", ', 'nane = "acme-ml", ', "no key 'nane'. Did you mean name"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, old: str, new: str, message: str | None) -> None:
    path = changed(tmp_path, old, new)
    if message is None:
        assert len(read_lock(path).models) == 2
        return
    with pytest.raises(LockError) as caught:
        read_lock(path)
    found = str(caught.value)
    assert message in found.replace("\n", " ")
    assert "zoo.lock" in found
    assert caught.value.hint


def test_a_model_twice_and_a_file_twice_are_refused(tmp_path: Path) -> None:
    write(
        lock_in(
            tmp_path, MODEL, dataclasses.replace(STANDARD, id="hf:a/b", revision=COMMIT, standard=None, agreed=None)
        )
    )
    path = tmp_path / "zoo.lock"
    path.write_text(path.read_text().replace("hf:a/b", "hf:google/vit"))
    with pytest.raises(LockError, match="'hf:google/vit' is locked twice"):
        read_lock(path)
    path = changed(tmp_path, "onnx/model.onnx", "config.json")
    with pytest.raises(LockError, match=r"zoo.lock:7: The file 'config.json' is listed twice"):
        read_lock(path)


def test_a_newer_minor_version_is_read_with_a_warning(tmp_path: Path) -> None:
    path = changed(tmp_path, 'lock-version = "1.0"', 'lock-version = "1.4"\nnew-fact = 1')
    with pytest.warns(LockNotice, match="what this zoo does not know is ignored"):
        assert len(read_lock(path).models) == 2


def test_it_is_found_like_git_finds_its_root(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_lock(below) is None or find_lock(below).parent not in {below, *below.parents[:2]}
    write(lock_in(tmp_path, MODEL))
    assert find_lock(below) == tmp_path / "zoo.lock"
    write(lock_in(below, MODEL))
    assert find_lock(below) == below / "zoo.lock"


@pytest.mark.parametrize("what", ["missing", "folder", "large"])
def test_a_lock_that_cannot_be_read(tmp_path: Path, what: str) -> None:
    path = tmp_path / "zoo.lock"
    if what == "folder":
        path.mkdir()
    if what == "large":
        with path.open("wb") as file:
            file.truncate((4 << 20) + 1)
    with pytest.raises(LockError):
        read_lock(path)
