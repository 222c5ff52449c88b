"""Parquet, model cards, bills of materials, lists, folders of models and MLflow: export, import, and invalid files."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sources"))

from hub_server import BERT, safetensors_of
from hypothesis import given
from hypothesis import strategies as st

from zoo import exchange
from zoo.catalog.model_index import model_index_of, scores_of
from zoo.cli import run
from zoo.entities import BenchmarkScore, Measurement, ModelCard, ModelFile, Run
from zoo.errors import DataError, InvalidInput, NetworkUnavailable, RegistryError, UnknownModel
from zoo.exchange import bill_of_materials as exchange_bom
from zoo.registry import Registry

CARDS = [
    ModelCard(
        id="hf:team/one",
        domain="language",
        tasks=("text-classification", "fill-mask"),
        architecture="BERT",
        license="MIT",
        parameters=123,
        bytes=456,
        languages=("en", "de"),
        pretraining=("C4",),
        input={"kind": "text", "max_tokens": 9},
        base_model="hf:team/two",
        revision="a" * 40,
        url="https://example.org/one",
        tags=("x", "y"),
        gated=True,
        files=(ModelFile("a.bin", 3, "0" * 64), ModelFile("b.bin", None, None)),
        loader={"weights": ["a.bin"]},
    ),
    ModelCard(id="hf:team/two", domain="language", license="other", files=(ModelFile("w", 1, "f" * 64),)),
]
SCORES = [
    BenchmarkScore("hf:team/one", "text-classification", "IMDB", "accuracy", 0.93, source="https://example.org/paper"),
    BenchmarkScore(
        "hf:team/one", "text-classification", "IMDB", "loss", 0.2, higher_is_better=False, date="2026-01-02"
    ),
    BenchmarkScore(
        "hf:team/two", "fill-mask", "WikiText", "perplexity", 17.5, split="validation", higher_is_better=False
    ),
]
OTHERS = [
    Measurement(
        "hf:team/one", "text-classification", "f" * 64, "mine", "logme", 1.5, versions={"zoo": "1"}, created="2026"
    ),
    Run(
        "20260101-000000-aaaa",
        "hf:team/one",
        "text-classification",
        "mine",
        "f" * 64,
        "full",
        {"accuracy": 0.9},
        samples=3,
    ),
]


@pytest.fixture
def registry(empty_registry: Path, tmp_path: Path) -> Registry:
    path = tmp_path / "registry.db"
    path.write_bytes(empty_registry.read_bytes())
    return Registry(path)


@pytest.fixture
def filled(registry: Registry) -> Registry:
    registry.add([*CARDS, *SCORES, *OTHERS])
    return registry


def copy_of(empty_registry: Path, folder: Path) -> Registry:
    path = folder / "copy.db"
    path.write_bytes(empty_registry.read_bytes())
    return Registry(path)


class TestParquet:
    def test_a_registry_comes_back_as_it_was(self, filled: Registry, empty_registry: Path, tmp_path: Path) -> None:
        counts = exchange.export(filled, str(tmp_path / "a.parquet"))
        assert counts == {"models": 2, "scores": 3, "measurements": 1, "runs": 1}
        copy = copy_of(empty_registry, tmp_path)
        assert exchange.import_file(copy, str(tmp_path / "a.parquet")) == counts
        for name, one in (("a.jsonl", filled), ("b.jsonl", copy)):
            exchange.export(one, str(tmp_path / name))
        assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()

    def test_others_can_read_it(self, filled: Registry, tmp_path: Path) -> None:
        from pyarrow import parquet

        exchange.export(filled, str(tmp_path / "a.parquet"))
        rows = parquet.read_table(tmp_path / "a.parquet").to_pylist()
        assert [row["kind"] for row in rows] == ["model"] * 2 + ["score"] * 3 + ["measurement", "run"]
        assert (rows[0]["parameters"], rows[0]["tags"], rows[2]["value"]) == (123, ["x", "y"], 0.93)

    @pytest.mark.parametrize("content", [b"", b"PAR1 no table PAR1", b"{}"])
    def test_other_files_are_refused(self, content: bytes, registry: Registry, tmp_path: Path) -> None:
        (tmp_path / "bad.parquet").write_bytes(content)
        with pytest.raises(DataError, match="cannot be read as Parquet"):
            exchange.import_file(registry, str(tmp_path / "bad.parquet"))

    def test_a_bad_row_is_named_and_nothing_is_added(self, registry: Registry, tmp_path: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        rows = [{"kind": "model", "id": "hf:a/b", "domain": "x"}, {"kind": "thing", "id": "hf:a/c", "domain": "x"}]
        parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "bad.parquet")
        with pytest.raises(DataError, match="row 2: there is no kind 'thing'"):
            exchange.import_file(registry, str(tmp_path / "bad.parquet"))
        assert registry.statistics()["models"] == 0
        parquet.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
        with pytest.raises(DataError, match="no column 'kind'"):
            exchange.import_file(registry, str(tmp_path / "other.parquet"))

    def test_it_needs_a_file(self, registry: Registry) -> None:
        with pytest.raises(InvalidInput, match="Parquet needs a file"):
            exchange.export(registry, "-", format="parquet")


class TestModelIndex:
    def test_scores_go_into_a_model_cards_header_and_come_back(
        self, filled: Registry, empty_registry: Path, tmp_path: Path
    ) -> None:
        exchange.export(filled, str(tmp_path / "README.md"), model="hf:team/one")
        from huggingface_hub import ModelCard as HubCard

        [accuracy, loss] = sorted(
            HubCard.load(tmp_path / "README.md").data.eval_results, key=lambda one: one.metric_type
        )
        assert (accuracy.dataset_name, accuracy.metric_value, loss.metric_type) == ("IMDB", 0.93, "loss")
        copy = copy_of(empty_registry, tmp_path)
        copy.add(CARDS)
        assert exchange.import_file(copy, str(tmp_path / "README.md"), model="hf:team/one")["scores"] == 2
        found = {score.metric: (score.value, score.higher_is_better) for score in copy.scores("hf:team/one")}
        assert found == {"accuracy": (0.93, True), "loss": (0.2, False)}

    def test_it_is_of_one_model(self, filled: Registry, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="2 were chosen"):
            exchange.export(filled, str(tmp_path / "README.md"))
        (tmp_path / "README.md").write_text("---\nmodel-index: []\n---\n")
        with pytest.raises(InvalidInput, match="--model ID"):
            exchange.import_file(filled, str(tmp_path / "README.md"))
        with pytest.raises(UnknownModel):
            exchange.import_file(filled, str(tmp_path / "README.md"), model="hf:team/none")
        with pytest.raises(DataError, match="no scores in a 'model-index'"):
            exchange.import_file(filled, str(tmp_path / "README.md"), model="hf:team/one")

    @given(
        st.lists(
            st.builds(
                BenchmarkScore,
                st.just("hf:a/b"),
                st.sampled_from(["t", "u"]),
                st.sampled_from(["d", "é"]),
                st.sampled_from(["accuracy", "wer", "mse", "bleu"]),
                st.floats(0, 1),
                st.sampled_from(["test", "dev"]),
                source=st.just("https://example.org"),
            ),
            unique_by=lambda s: (s.task, s.dataset, s.metric, s.split),
        )
    )
    def test_any_scores_come_back(self, scores: list[BenchmarkScore]) -> None:
        found = list(scores_of("hf:a/b", model_index_of("b", scores), "elsewhere"))
        assert {(s.task, s.dataset, s.metric, s.split): s.value for s in found} == {
            (s.task, s.dataset, s.metric, s.split): s.value for s in scores
        }

    @given(
        st.recursive(
            st.none() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from(["results", "metrics", "dataset", "task", "value", "type", "name"]), inner
                )
            ),
        )
    )
    def test_any_document_is_read_without_failing(self, document: Any) -> None:
        for score in scores_of("hf:a/b", document, ""):
            assert score.model == "hf:a/b"


class TestBillOfMaterials:
    def test_it_fits_the_schema_and_tells_what_is_known(self, filled: Registry, tmp_path: Path) -> None:
        exchange.export(filled, str(tmp_path / "models.cdx.json"))
        text = (tmp_path / "models.cdx.json").read_text()
        exchange_bom.check(text)
        bom = json.loads(text)
        one, two = bom["components"]
        assert (one["type"], one["name"], one["purl"]) == (
            "machine-learning-model",
            "team/one",
            f"pkg:huggingface/team/one@{'a' * 40}",
        )
        assert (one["licenses"], two["licenses"]) == ([{"license": {"id": "MIT"}}], [{"license": {"name": "other"}}])
        assert one["components"][0]["hashes"] == [{"alg": "SHA-256", "content": "0" * 64}]
        metrics = one["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
        assert {
            "type": "accuracy",
            "value": "0.93",
            "slice": "IMDB, test (reported: https://example.org/paper)",
        } in metrics
        assert bom["dependencies"] == [{"ref": "hf:team/one", "dependsOn": ["hf:team/two"]}]

    def test_the_same_models_give_the_same_document(self, filled: Registry, tmp_path: Path) -> None:
        for name in ("a.cdx.json", "b.cdx.json"):
            exchange.export(filled, str(tmp_path / name), model=["hf:team/two"])
        assert (tmp_path / "a.cdx.json").read_bytes() == (tmp_path / "b.cdx.json").read_bytes()

    def test_a_document_that_violates_the_schema_is_not_written(self, filled: Registry, tmp_path: Path) -> None:
        filled.add([ModelCard(id="hf:team/bad", domain="x", files=(ModelFile("w", 1, "no hash"),))])
        with pytest.raises(RegistryError, match=r"violates the schema of CycloneDX 1\.6 at \$\.components\[0\]"):
            exchange.export(filled, str(tmp_path / "bad.cdx.json"), model=["hf:team/bad"])
        assert not (tmp_path / "bad.cdx.json").exists()

    def test_it_needs_models(self, registry: Registry, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="There are no models"):
            exchange.export(registry, str(tmp_path / "none.cdx.json"))


class TestLists:
    YAML = """
models:
  team/one: {task: image-classification, license: MIT, params: 12, language: en}
  pkg:two:
    tasks: [fill-mask, text-classification]
    scores:
      - {dataset: IMDB, metric: accuracy, value: 0.9}
"""

    def test_yaml(self, registry: Registry, tmp_path: Path) -> None:
        (tmp_path / "models.yaml").write_text(self.YAML)
        assert exchange.import_file(registry, str(tmp_path / "models.yaml"))["models"] == 2
        one, two = registry.card("hf:team/one"), registry.card("pkg:two")
        assert (one.domain, one.tasks, one.parameters, one.languages) == (
            "vision",
            ("image-classification",),
            12,
            ("en",),
        )
        assert two.tasks == ("fill-mask", "text-classification")
        assert registry.scores("pkg:two")[0].task == "fill-mask"

    def test_amounts_as_people_write_them_and_tasks_of_others(self, registry: Registry, tmp_path: Path) -> None:
        (tmp_path / "team.yaml").write_text("- {id: a/b, params: 110M, size: 1.2GB, task: our-own-task}")
        exchange.import_file(registry, str(tmp_path / "team.yaml"))
        card = registry.card("hf:a/b")
        assert (card.parameters, card.bytes, card.tasks) == (110_000_000, 1_200_000_000, ("our-own-task",))

    def test_a_bill_of_materials_is_not_read(self, registry: Registry, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="can write but not read"):
            exchange.import_file(registry, str(tmp_path / "models.cdx.json"))

    def test_json(self, registry: Registry, tmp_path: Path) -> None:
        (tmp_path / "models.json").write_text(
            json.dumps([{"name": "team/a", "pipeline_tag": "fill-mask"}, {"id": "file:/b"}])
        )
        exchange.import_file(registry, str(tmp_path / "models.json"), format="models")
        assert {card.id for card in registry.cards()} == {"hf:team/a", "file:/b"}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("- {id: a/b, colour: red}", "model 1: unknown key 'colour'"),
            ("- {id: a/b}\n- {task: fill-mask}", "model 2: it has no id or name"),
            ("- {id: a/b, params: -3}", "model 1: .*parameters = -3"),
            (f"- {{id: a/b, params: {'9' * 400}M}}", "model 1: parameters is '9999.*not a valid amount"),
            (f"- {{id: a/b, params: {'9' * 5000}}}", "5,000 digits, line 1"),
            ("- {id: a/b, params: 1e999}", "model 1: parameters is '1e999'"),
            ("- {id: a/b, released: !!timestamp 2024-01-31}", "the tag"),
            ("- !!python/object/apply:os.system ['true']", "the tag"),
            ("[" * 20_000, "nest"),
            ("- {id: a/b, params: many}", "model 1: parameters is 'many', which is not a valid amount. Write 110M"),
            ("- {id: a/b, task: text-clasification}", "model 1: there is no task .* Did you mean text-classification"),
            (
                "- {id: a/b, scores: [{dataset: d}]}",
                "model 1: A BenchmarkScore is incomplete: it has no metric and no value",
            ),
            ("- {id: 'a/b', description: \"a\\0b\"}", "model 1: .*description"),
            ("- a/b", "model 1: expected an object, not a str"),
            ("3", "has no list of models"),
            ("{a: [", "cannot be read as YAML: .*node content.*, line"),
            ("a: &a [x, x]\nb: [*a, *a]", "refers to its own parts"),
            (
                "- {id: a/b, scores: [{dataset: d, metric: m, value: .nan}]}",
                ".nan, which is not a finite number, line 1",
            ),
        ],
    )
    def test_a_bad_entry_is_named_and_nothing_is_added(
        self, text: str, message: str, registry: Registry, tmp_path
    ) -> None:
        (tmp_path / "models.yaml").write_text(text)
        with pytest.raises(DataError, match=message):
            exchange.import_file(registry, str(tmp_path / "models.yaml"))
        assert registry.statistics()["models"] == 0


class TestSnapshots:
    def model(self, folder: Path, readme: str = "") -> None:
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(BERT))
        (folder / "model.safetensors").write_bytes(safetensors_of(words=4))
        if readme:
            (folder / "README.md").write_text(readme)

    def test_folders_and_a_cache_of_the_hub(self, registry: Registry, tmp_path: Path) -> None:
        header = "license: apache-2.0\ntags: [x]\n" + (
            "model-index:\n- name: m\n  results:\n  - task: {type: text-classification}\n    dataset: {name: IMDB, type: imdb}\n"
            "    metrics: [{type: accuracy, value: 93}]\n"
        )
        self.model(tmp_path / "models" / "mine")
        cached = tmp_path / "models" / "models--team--one" / "snapshots" / ("b" * 40)
        self.model(cached, f"---\n{header}---\n# One\n")
        assert exchange.import_file(registry, str(tmp_path / "models")) == {
            "models": 2,
            "scores": 1,
            "measurements": 0,
            "runs": 0,
        }
        card = registry.card("hf:team/one")
        assert (card.revision, card.license, card.tags, card.parameters) == ("b" * 40, "Apache-2.0", ("x",), 168)
        assert registry.scores("hf:team/one")[0].value == 0.93
        assert registry.card(f"file:{tmp_path / 'models' / 'mine'}").architecture == "BERT"

    def test_a_folder_without_models(self, registry: Registry, tmp_path: Path) -> None:
        (tmp_path / "none").mkdir()
        with pytest.raises(DataError, match="no subfolders with a config"):
            exchange.import_file(registry, str(tmp_path / "none"))


class _MlflowHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str | None]] = []  # noqa: RUF012
    answer: bytes | None = None

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        second = "page_token=next" in self.path
        model = {
            "name": "churn" if second else "sentiment model",
            "creation_timestamp": 1,
            "last_updated_timestamp": 2,
            "description": "Ours.",
            "tags": [{"key": "task", "value": "text-classification"}, {"key": "team", "value": "nlp"}],
            "latest_versions": [
                {"name": "m", "version": v, "current_stage": "None", "status": "READY"} for v in ("2", "10")
            ],
        }
        document = {"registered_models": [model], **({} if second else {"next_page_token": "next"})}
        body = self.answer if self.answer is not None else json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class TestMlflow:
    @pytest.fixture
    def server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        monkeypatch.setattr(_MlflowHandler, "asked", [])
        monkeypatch.setattr(_MlflowHandler, "answer", None)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "c4n4ry")
        started = ThreadingHTTPServer(("localhost", 0), _MlflowHandler)
        threading.Thread(target=started.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://localhost:{started.server_address[1]}"
        started.shutdown()
        started.server_close()

    def test_every_page_is_read(self, server: str, registry: Registry) -> None:
        assert exchange.import_file(registry, server)["models"] == 2
        card = registry.card(f"mlflow:{server.removeprefix('http://')}/sentiment model")
        assert (card.revision, card.tasks, card.description) == ("10", ("text-classification",), "Ours.")
        assert "team=nlp" in card.tags
        assert [authorization for _, authorization in _MlflowHandler.asked] == ["Bearer c4n4ry"] * 2
        assert b"c4n4ry" not in registry.path.read_bytes()

    def test_a_server_that_is_another(self, server: str, registry: Registry) -> None:
        for body in (b"<html>", b"[]", b'{"registered_models": [{}]}'):
            _MlflowHandler.answer = body
            with pytest.raises(DataError, match="does not respond like an MLflow server"):
                exchange.import_file(registry, server)
        assert registry.statistics()["models"] == 0

    def test_no_server(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        from zoo.sources.files import http_files

        monkeypatch.setattr(http_files.time, "sleep", lambda seconds: None)
        with pytest.raises(NetworkUnavailable, match="cannot be reached"):
            exchange.import_file(registry, "http://localhost:9")

    def test_a_password_in_the_address_is_refused_and_not_repeated(self, registry: Registry) -> None:
        with pytest.raises(InvalidInput) as error:
            exchange.import_file(registry, "http://user:s3cret@localhost:5000")
        assert "s3cret" not in str(error.value)


def test_a_name_that_tells_no_format(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match=r"does not determine a format.*--format"):
        exchange.import_file(registry, "models.txt")


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    (tmp_path / "team.yaml").write_text(TestLists.YAML)
    assert run(["import", str(tmp_path / "team.yaml")]) == 0
    assert "Imported 2 models and 1 score" in capsys.readouterr().out
    assert run(["export", str(tmp_path / "m.cdx.json"), "--model", "pkg:two", "--model", "pkg:mobilenet-v2"]) == 0
    assert "Wrote 2 models" in capsys.readouterr().out
    assert run(["export", str(tmp_path / "README.md"), "--model", "pkg:two"]) == 0
    assert run(["import", str(tmp_path / "README.md"), "--model", "hf:team/one", "--json"]) == 0
