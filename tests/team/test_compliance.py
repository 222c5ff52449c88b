"""Bills of materials of locks, and facts of models for the EU AI Act: complete, sourced, and safe to show."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from test_lock_file import COMMIT, FILES, MODEL, STANDARD, lock_in

import zoo
from zoo.cli import run
from zoo.entities import BenchmarkScore, ModelCard, Run
from zoo.errors import InvalidInput, LockError
from zoo.exchange.bill_of_materials import check
from zoo.registry import open_registry
from zoo.team.compliance.annex import NO_ADVICE, annex_of
from zoo.team.compliance.bill import bill_of_project
from zoo.team.compliance.modification import modification
from zoo.team.compliance.writing import as_json, as_markdown
from zoo.team.lock.entities import LockedModel
from zoo.team.lock.writing import write

SMALL = "pkg:wordllama/64"
HOSTILE = "<script>alert(1)</script>|`x` [a](javascript:1) \x1b[31m\u202e\nnext"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def bill(folder: Path, *models: LockedModel) -> dict:
    write(lock_in(folder, *models))
    text, count = bill_of_project(folder)
    assert count == len({(model.id, model.revision) for model in models})
    check(text)
    return json.loads(text)


def properties(component: dict) -> list[tuple[str, str]]:
    return [(one["name"], one["value"]) for one in component["properties"]]


class TestBillOfMaterials:
    def test_a_lock_with_a_standard_and_a_model_of_the_hub(self, home: Path) -> None:
        card = ModelCard(
            MODEL.id,
            "vision",
            tasks=("image-classification",),
            license="MIT OR Apache-2.0",
            base_model="hf:google/base",
            input={"kind": "image"},
        )
        base = ModelCard("hf:google/base", "vision", base_model="hf:google/root")
        scores = [
            BenchmarkScore(MODEL.id, "image-classification", "ImageNet-1k", "accuracy", 0.8, source="a paper"),
            BenchmarkScore(MODEL.id, "image-classification", "photos", "accuracy", 0.7, origin="measured"),
        ]
        open_registry().add([card, base, *scores])
        bom = bill(home, MODEL, STANDARD)
        hub, package = bom["components"]
        assert (hub["purl"], hub["version"]) == (f"pkg:huggingface/google/vit@{COMMIT}", COMMIT)
        assert hub["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
        assert [one["name"] for one in hub["pedigree"]["ancestors"]] == ["hf:google/base", "hf:google/root"]
        assert {one["name"]: one["hashes"][0]["content"] for one in hub["components"]} == {
            file.path: file.sha256 for file in FILES
        }
        assert hub["modelCard"]["modelParameters"]["outputs"] == [{"format": "class"}]
        assert sorted(one["slice"] for one in hub["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]) == [
            "ImageNet-1k, test (reported: a paper)",
            "photos, test (measured; source not known)",
        ]
        assert package["purl"] == "pkg:pypi/wordllama@0.4.0.post1"
        assert {
            ("zoo:standard", "text-classification/small"),
            ("zoo:approval:proposal", "31"),
            ("zoo:approval:by", "bo@acme.example"),
            ("zoo:policy:verdict", "needs-approval"),
            ("zoo:policy:rule", "origin"),
        } <= set(properties(package))
        assert ("zoo:policy:name", "acme-ml") in properties(bom["metadata"])

    def test_the_same_lock_gives_the_same_bytes(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        open_registry().add([ModelCard(MODEL.id, "vision")])
        write(lock_in(home, MODEL, STANDARD))
        first, _ = bill_of_project(home)
        assert bill_of_project(home)[0] == first
        assert "timestamp" not in first
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
        timed = json.loads(bill_of_project(home)[0])
        assert timed["metadata"]["timestamp"] == "1970-01-02T00:00:00Z"
        assert timed["serialNumber"] == json.loads(first)["serialNumber"]
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
        with pytest.raises(InvalidInput, match="number of seconds since 1970"):
            bill_of_project(home)
        monkeypatch.delenv("SOURCE_DATE_EPOCH")
        other = bill(home, dataclasses.replace(MODEL, revision="f" * 40), STANDARD)
        assert other["serialNumber"] != json.loads(first)["serialNumber"]

    def test_a_model_without_a_card(self, home: Path) -> None:
        [component] = bill(home, dataclasses.replace(MODEL, license=None))["components"]
        [facts] = [value for name, value in properties(component) if name == "zoo:facts"]
        assert facts.startswith("not known")
        assert "licenses" not in component

    def test_one_model_as_two_standards_and_at_two_revisions(self, home: Path) -> None:
        place = dataclasses.replace(STANDARD, standard="text-classification")
        older = dataclasses.replace(STANDARD, standard="text-classification/german", revision="0.3")
        bom = bill(home, STANDARD, place, older)
        assert [one["bom-ref"] for one in bom["components"]] == [
            "pkg:wordllama/64@0.4.0.post1",
            "pkg:wordllama/64@0.3",
        ]
        assert [value for name, value in properties(bom["components"][0]) if name == "zoo:standard"] == [
            "text-classification",
            "text-classification/small",
        ]

    def test_hostile_cards(self, home: Path) -> None:
        card = ModelCard(
            MODEL.id, "x", description=HOSTILE, license=HOSTILE, url="javascript:alert(1)\n", tags=(HOSTILE,)
        )
        open_registry().add([card])
        write(lock_in(home, MODEL))
        text, _ = bill_of_project(home)
        assert "\x1b" not in text
        assert "\u202e" not in text
        [component] = json.loads(text)["components"]
        assert component["licenses"] == [{"license": {"name": HOSTILE}}]
        assert "externalReferences" not in component

    def test_the_command_after_zoo_lock(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["export", "bom.cdx.json", "--locked"]) == 1
        assert "There is no zoo.lock here or in a folder above. Write one: zoo lock" in capsys.readouterr().err
        assert run(["lock", "pkg:wordllama/64"]) == 0
        capsys.readouterr()
        assert run(["export", "-o", "bom.cdx.json", "--locked", "--format", "cyclonedx"]) == 0
        assert capsys.readouterr().out == "Wrote 1 model of the lock to bom.cdx.json.\n"
        check((home / "bom.cdx.json").read_text())
        assert run(["export", "bom.cdx.json", "--locked", "--own"]) == 1
        assert run(["export", "--locked"]) == 1

    def test_a_lock_without_models(self, home: Path) -> None:
        write(lock_in(home))
        with pytest.raises(LockError, match="has no models"):
            bill_of_project(home)


class TestAnnex:
    def test_every_fact_has_a_source_or_is_not_published(self, home: Path) -> None:
        annex = annex_of("pkg:efficientnet-lite0", home)
        facts = {fact.name: fact for fact in annex.facts}
        assert facts["Number of parameters"].value == "4,652,008"
        assert facts["Number of parameters"].source == "registry card"
        assert facts["Maximum size of inputs"].value == "224 x 224 pixels; larger images are scaled"
        assert facts["Acceptable use policies"].value is None
        assert all(bool(fact.value) == bool(fact.source) for fact in annex.facts)
        points = {"1(a)", "1(b)", "1(c)", "1(d)", "1(e)", "1(f)", "1(g)", "1(h)", "2(a)", "2(b)", "2(c)"}
        assert points <= {point for fact in annex.facts for point in fact.point.split(", ")}
        page = as_markdown(annex)
        assert "| 1(b) | Acceptable use policies | not published | - |" in page
        assert NO_ADVICE in page
        assert json.loads(as_json(annex))["modification"] == []

    def test_a_locked_model_without_a_card(self, home: Path) -> None:
        write(lock_in(home, MODEL))
        annex = annex_of(MODEL.id, home)
        facts = {fact.name: fact for fact in annex.facts}
        assert (facts["Revision"].value, facts["Revision"].source) == (COMMIT, "zoo.lock")
        assert (facts["Licence"].value, facts["Licence"].source) == ("Apache-2.0", "zoo.lock")
        assert any("no card of this model" in note for note in annex.notes)

    def test_hostile_cards(self, home: Path) -> None:
        open_registry().add([ModelCard("hf:a/b", "x", tasks=(HOSTILE,), license=HOSTILE, architecture=HOSTILE)])
        page = as_markdown(annex_of("hf:a/b", home))
        assert "<script" not in page
        assert "\x1b" not in page
        assert "\\[a\\](javascript" in page  # text, and no link
        [line] = [line for line in page.splitlines() if line.startswith("| 1(h) |")]
        assert line.replace("\\|", "").count("|") == 5

    def test_an_own_model(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        rows = [f"The film number {at} was {'great' if at % 2 else 'awful'},{at % 2}" for at in range(40)]
        (home / "reviews.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
        made = zoo.tune(SMALL, "reviews.csv", output="tuned")
        annex = annex_of(f"file:{home / 'tuned'}", home)
        facts, own = ({fact.name: fact for fact in every} for every in (annex.facts, annex.modification))
        assert facts["Base model"].value == SMALL
        assert facts["Fingerprint of these data"].value == made.data
        assert facts["Fingerprint of these data"].source == f"measured here: zoo runs show {made.id}"
        assert own["Compute of the modification"].value.startswith("not known (features: the model does not run in")
        assert own["Energy of the modification"].value == "not measured"
        assert own["Compute of the original model's training"].value is None
        assert "10^23/3 FLOP (3.3e22)" in own["Threshold, where it is not known"].value
        assert "read them at their source" in own["Threshold, where it is not known"].source
        assert run(["export", "facts.md", "--format", "annex-xii", "--model", "file:tuned"]) == 0
        assert NO_ADVICE in capsys.readouterr().out
        assert "## The adaptation" in (home / "facts.md").read_text()
        assert run(["export", "-", "--format", "annex-xii", "--model", "file:tuned", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["modification"]

    def test_the_ratio_to_a_published_original(self) -> None:
        made = Run("1", "hf:FacebookAI/roberta-base", "t", "d", "f", "full", {}, plan={"compute": {"flop": 5e17}})
        found = {name: value for name, value, _ in modification(made)}
        assert found["Compute of the original model's training"] == "1.5e21 FLOP (hf:FacebookAI/roberta-base)"
        assert found["Compute of the modification as a fraction of the threshold"].startswith("1.0e-03 of a third")

    def test_cached_features_give_no_fraction(self) -> None:
        compute = {"flop": 0, "stages": {}, "cached": 60}
        made = Run("1", "hf:FacebookAI/roberta-base", "t", "d", "f", "full", {}, plan={"compute": compute})
        assert "Compute of the modification as a fraction of the threshold" not in {
            name for name, _, _ in modification(made)
        }

    def test_the_name_of_the_file_fits_the_format(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["export", "x.txt", "--format", "annex-xii", "--model", "pkg:wordllama/64"]) == 1
        assert run(["export", "x.csv", "--locked"]) == 1
        assert "'x.csv' must end in .json" in capsys.readouterr().err

    def test_it_needs_one_model(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["export", "x.md", "--format", "annex-xii"]) == 1
        assert "The format annex-xii describes one model. Choose it: --model ID" in capsys.readouterr().err
        assert run(["export", "x.md", "--format", "annex-xii", "--model", "pkg:nope"]) == 1
