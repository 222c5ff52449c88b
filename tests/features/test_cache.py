"""What was computed once is not computed again, whatever data set it is in; what is damaged is never used."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.config import settings as zoo_settings
from zoo.contract.backbone import SilentProgress
from zoo.entities import FeatureRequest, ModelCard, ModelFile
from zoo.errors import InvalidInput
from zoo.features.cache import row_cache
from zoo.features.cache import upkeep as cache_upkeep
from zoo.features.cache.files import open_rows, write_rows
from zoo.features.cache.identity import Identity, Settings, identity_of, loading_settings, remember_identity
from zoo.features.cache.index import layer_index
from zoo.features.collecting import extract
from zoo.features.item_digests import item_digests
from zoo.features.stream import FeatureStream

WORDS = [f"{'abc'[index % 3] * (1 + index % 17)}{'ab' * (index // 17)}" for index in range(120)]


def loaded(backbone, **values):
    """The backbone as ``zoo.load`` gives it: with an identity."""
    remember_identity(backbone, Identity(Settings({"model": backbone.card.id, **values}), {"tests": "1"}))
    return backbone


def values_of(backbone, dataset, layer="summary", **options):
    request = {"batch_size": 16, "shard_size": 50, "layers": (layer,)}
    return extract(backbone, dataset, FeatureRequest(**request), **options)[layer].values


def right(words):
    return [[len(word), sum(word.encode())] for word in words]


def files(home):
    return sorted((home / "features").rglob("*.safetensors"))


def test_a_second_extraction_makes_no_forward_pass(backbone, texts) -> None:
    loaded(backbone)

    first = extract(backbone, texts(WORDS), FeatureRequest())["summary"]
    passes = list(backbone.batch_sizes)
    second = extract(backbone, texts(WORDS), FeatureRequest())["summary"]

    assert first.values.tolist() == second.values.tolist() == right(WORDS)
    assert backbone.batch_sizes == passes
    assert (first.provenance["computed"], second.provenance["computed"]) == (len(WORDS), 0)


def test_rows_are_found_whatever_data_set_they_were_computed_for(backbone, texts) -> None:
    loaded(backbone)
    whole = texts(WORDS)
    values_of(backbone, whole.subset(range(0, 60, 2)))
    before = sum(backbone.batch_sizes)

    found = values_of(backbone, whole.subset(range(40, 80)))

    assert found.tolist() == right(WORDS[40:80])
    assert sum(backbone.batch_sizes) - before == 30


def test_layers_that_are_kept_are_not_computed_again(backbone, texts) -> None:
    loaded(backbone)
    asked = []
    inner = backbone.features
    backbone.features = lambda batch, layers: asked.append(tuple(layers)) or inner(batch, layers)
    values_of(backbone, texts(WORDS[:10]))

    both = extract(backbone, texts(WORDS[:10]), FeatureRequest(("letters", "summary")))

    assert asked == [("summary",), ("letters",)]
    assert both["summary"].values.tolist() == right(WORDS[:10])
    assert both["letters"].values.tolist() == [[word.count(letter) for letter in "abc"] for word in WORDS[:10]]


def test_nothing_is_kept_of_models_that_cannot_be_identified(backbone, texts, home) -> None:
    values_of(backbone, texts(WORDS))
    values_of(backbone, texts(WORDS))

    assert sum(backbone.batch_sizes) == 2 * len(WORDS)
    assert files(home) == []


@pytest.mark.parametrize("off", ["off", "0", "0 GB"])
def test_switched_off(backbone, texts, home, monkeypatch, off) -> None:
    monkeypatch.setenv("ZOO_CACHE_SIZE", off)
    loaded(backbone)

    values_of(backbone, texts(WORDS))

    assert not (home / "features").exists()


def test_switched_off_for_one_call(backbone, texts, home) -> None:
    loaded(backbone)

    values_of(backbone, texts(WORDS), cache=False)

    assert not (home / "features").exists()


@pytest.mark.parametrize(("text", "expected"), [("2GB", 2 * 10**9), ("1.5 m", 1_500_000), ("", 10**10), ("700", 700)])
def test_sizes(monkeypatch, text, expected) -> None:
    monkeypatch.setenv("ZOO_CACHE_SIZE", text)

    assert zoo_settings().cache_bytes == expected


def test_a_size_that_is_none(monkeypatch) -> None:
    monkeypatch.setenv("ZOO_CACHE_SIZE", "plenty")

    with pytest.raises(InvalidInput, match="ZOO_CACHE_SIZE is 'plenty', which is not a valid size"):
        zoo_settings()


@pytest.mark.parametrize(
    ("process", "damage"),
    [("the same", damage) for damage in ("cut", "empty", "noise", "gone")]
    + [("another", damage) for damage in ("cut", "empty", "longer", "noise", "version", "gone")],
)
def test_damaged_files_are_computed_again(backbone, texts, home, damage, process) -> None:
    loaded(backbone)
    values_of(backbone, texts(WORDS))
    path = files(home)[1]
    content, rows = path.read_bytes(), len(open_rows(path).digests)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {
                "cut": content[:-9],
                "empty": b"",
                "longer": content + b"\0",
                "noise": os.urandom(500),
                "version": content.replace(b"zoo.features.rows/1", b"zoo.features.rows/0"),
            }[damage]
        )
    before = sum(backbone.batch_sizes)
    if process == "another":
        layer_index.cache_clear()

    assert values_of(backbone, texts(WORDS)).tolist() == right(WORDS)

    assert sum(backbone.batch_sizes) - before == rows
    assert path.read_bytes() == content, "it is written again"


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_noticed(tmp_path, data) -> None:
    digests = item_digests(["a", "b", "c"])
    path = write_rows(tmp_path, digests, np.arange(6, dtype=np.float32).reshape(3, 2)).path
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)

    opened = open_rows(path)

    assert (
        opened is None
        or not opened.is_whole()
        or (opened.digests.tolist(), opened.mapped().tolist()) == (digests.tolist(), [[0, 1], [2, 3], [4, 5]])
    )


def test_the_files_are_safetensors(backbone, texts, home) -> None:
    from safetensors.numpy import load_file

    values_of(loaded(backbone), texts(WORDS[:5]))

    tensors = load_file(files(home)[0])
    assert tensors["digests"].shape == (5, 16)
    assert tensors["features"].tolist() == right(WORDS[:5])
    assert (home / "features" / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_a_file_that_another_process_deletes_meanwhile(backbone, texts, home) -> None:
    loaded(backbone)
    values_of(backbone, texts(WORDS))
    cache = row_cache(identity_of(backbone))
    stream = FeatureStream(
        backbone, lambda: backbone, texts(WORDS), FeatureRequest(shard_size=40), progress=SilentProgress(), cache=cache
    )

    shards = iter(stream)
    first = next(shards).values["summary"]
    for path in files(home):
        path.unlink()
    rest = [shard.values["summary"] for shard in shards]

    assert np.concatenate([first, *rest]).tolist() == right(WORDS)


def test_a_folder_that_cannot_be_written_stops_nothing(backbone, texts, home) -> None:
    home.mkdir()
    (home / "features").write_text("a file is in the way")
    loaded(backbone)

    with pytest.warns(RuntimeWarning, match="Features cannot be saved in .*; the next run computes them again"):
        found = values_of(backbone, texts(WORDS))

    assert found.tolist() == right(WORDS)


def test_the_least_recently_used_go_first(backbone, texts, home, monkeypatch) -> None:
    loaded(backbone)
    parts = [WORDS[start : start + 30] for start in (0, 30, 60)]
    for age, part in zip((300, 200, 100), parts, strict=True):
        known = set(files(home))
        values_of(backbone, texts(part))
        (new,) = set(files(home)) - known
        os.utime(new, (new.stat().st_atime, new.stat().st_mtime - age))
    one = files(home)[0].stat().st_size
    values_of(backbone, texts(parts[0]))  # used again: now the second is the oldest
    monkeypatch.setattr(cache_upkeep, "_sizes", {})
    monkeypatch.setenv("ZOO_CACHE_SIZE", str(int(3.5 * one)))

    values_of(backbone, texts(WORDS[90:120]))

    passes = sum(backbone.batch_sizes)
    values_of(backbone, texts([*parts[0], *parts[2], *WORDS[90:120]]))
    assert sum(backbone.batch_sizes) == passes
    values_of(backbone, texts(parts[1]))
    assert sum(backbone.batch_sizes) == passes + 30


def test_what_a_killed_process_left_half_written_goes_after_a_day(backbone, texts, home) -> None:
    loaded(backbone)
    values_of(backbone, texts(WORDS))
    old, new = files(home)[0].with_name("x.part"), files(home)[0].with_name("y.part")
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))

    cache_upkeep.evict(home / "features", 10**9)

    assert not old.exists()
    assert new.exists()


def test_contents_and_clearing(backbone, unsorted, texts, home) -> None:
    unsorted.card = ModelCard("pkg:other", "language")
    extract(loaded(backbone, dtype="float32"), texts(WORDS), FeatureRequest(("letters", "summary")))
    extract(loaded(unsorted), texts(WORDS[:7]), FeatureRequest())

    assert sum(kept.rows for kept in cache_upkeep.contents()) == 2 * len(WORDS) + 7
    assert {kept.layers for kept in cache_upkeep.contents()} == {("letters", "summary"), ("summary",)}
    assert cache_upkeep.size() >= sum(path.stat().st_size for path in files(home))

    freed = cache_upkeep.clear()

    assert freed > 0
    assert files(home) == []
    assert cache_upkeep.contents() == []
    assert values_of(backbone, texts(WORDS)).tolist() == right(WORDS)


BASE = {"revision": "1", "library": "timm", "files": (ModelFile("w", 4, "ab" * 32),), "input": {"size": 224}}


@pytest.mark.parametrize(
    "change",
    [
        {"revision": "2"},
        {"files": (ModelFile("w", 4, "cd" * 32),)},
        {"input": {"size": 256}},
        {"library": "open_clip"},
        {"loader": {"layers": 3}},
        {"id": "pkg:n"},
    ],
)
def test_what_changes_features_changes_their_place(change) -> None:
    from pathlib import Path

    from zoo.entities import LocalFiles

    def digest(fields, device="cpu", dtype="float32"):
        card = ModelCard(**{"id": "pkg:m", "domain": "vision", **BASE, **fields})
        return loading_settings(card, LocalFiles(Path("."), card.files, card.revision), device, dtype).digest

    assert digest({}) == digest({}) != digest(change)
    assert len({digest({}), digest({}, "cuda"), digest({}, dtype="bfloat16")}) == 3
    assert digest({}, "cuda:0") == digest({}, "cuda:1")


def test_a_model_without_revision_and_hashes_has_no_place() -> None:
    from pathlib import Path

    from zoo.entities import LocalFiles

    assert loading_settings(ModelCard("x:m", "vision"), LocalFiles(Path(".")), "cpu", "float32") is None


def test_a_trained_model_is_another_one(texts, home) -> None:
    import torch

    import zoo

    model = zoo.load("pkg:wordllama/64", device="cpu")
    before = model.extract(texts(WORDS[:5])).values
    with torch.no_grad():
        model.backbone.module.embedding.weight.mul_(2)

    after = model.extract(texts(WORDS[:5])).values

    np.testing.assert_allclose(after, 2 * before, rtol=1e-6)
    np.testing.assert_array_equal(zoo.load("pkg:wordllama/64", device="cpu").extract(texts(WORDS[:5])).values, before)


def test_a_model_whose_code_changed_is_loaded_and_computed_again(texts, tmp_path, monkeypatch) -> None:
    from zoo.features.cache import identity as cache_identity

    module = tmp_path / "plugin_of_today"
    module.mkdir()
    (module / "__init__.py").write_text("VERSION = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    first = cache_identity.code_digest("plugin_of_today")
    (module / "__init__.py").write_text("VERSION = 2\n")
    cache_identity.code_digest.cache_clear()

    assert cache_identity.code_is_current({"zoo_language": cache_identity.code_digest("zoo_language")})
    assert first is not None
    assert not cache_identity.code_is_current({"plugin_of_today": first})
    assert cache_identity.code_digest("no_such_package") is None
    shutil.rmtree(module)
