"""The converters, run on a small folder of records in the upstream formats."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from zoo.catalog import reading

TOOL = Path(__file__).parents[2] / "tools" / "build_catalog.py"
TIMM_SETS = ("", "-real", "-a", "-r", "v2-matched-frequency")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """Records of a handful of models, as their publishers write them; figures are made up."""
    root = tmp_path / "upstream"
    header = ["model", "img_size", "top1", "top1_err", "top5", "top5_err", "param_count", "crop_pct", "interpolation"]
    rows = [
        ["test_vit.r160_in1k", 160, "40.500", "59.5", "60", "40", "0.37", "0.95", "bicubic"],
        ["test_vit.r160_in1k", 208, "41.000", "59.0", "61", "39", "0.37", "0.95", "bicubic"],
        ["gcvit_tiny.in1k", 224, "83.0", "17.0", "96", "4", "28.2", "0.9", "bicubic"],
    ]
    for suffix in TIMM_SETS:
        _write(root / "timm" / f"results-imagenet{suffix}.csv", [header, *rows])
    _write(root / "timm" / "results-sketch.csv", [header])
    columns = ["model", "architecture", "architectures", "number_of_parameters", "input_shape"]
    _write(
        root / "finetuning" / "vision_models.csv",
        [columns, ["someone/plants", "vit", "['ViTForImageClassification']", "85800194.0", "224.0"]],
    )
    _mteb(root / "mteb")
    _open_clip(root / "open_clip")
    _timm_costs(root / "timm")
    columns = (
        "model_key model_name version date params training_sets architecture openness license_checkpoint "
        "checkpoint_url repo paper pypi targets F1 MAE_eV_atom RMSE_eV_atom R2 kappa_SRME"
    )
    row = (
        "net-1,Net,v1,2025-01-01,1000,MPtrj|sAlex,gnn,OSOD,ASL,https://x.example/net,"
        "https://github.com/someone/nets/tree/dev,,nets,E,0.8,0.03,0.07,-0.1,"
    )
    _write(root / "matbench_discovery" / "models.csv", [columns.split(), row.split(",")])
    columns = "Model_name,Model type,Average_Spearman,Function_Activity,Function_Binding,Function_Expression"
    rows = [
        [*columns.split(","), "Function_OrganismalFitness", "Function_Stability"],
        ["ESM2 (8M)", "Single sequence", 0.226, 0.2, 0.2, 0.2, 0.2, 0.2],
        ["Folder, two (1.5B)", "Structure & MSA", 0.5, 0.5, 0.5, 0.5, 0.5, ""],
    ]
    _write(root / "proteingym" / "zero_shot_substitutions_spearman.csv", rows)
    return root


def _timm_costs(folder: Path) -> None:
    columns = ["model", "infer_img_size", "infer_samples_per_sec", "infer_gmacs", "infer_macts"]
    for machine, rows in {
        "amp-nchw-pt240-cu124-rtx4090": [["test_vit", 160, 100000, 0.04, 0.48], ["uncounted", 224, 10, "", ""]],
        "fp32-nchw-pt240-cpu-i9_10940x-dynamo": [["test_vit", 160, 500, 0.04, 0.48]],
    }.items():
        _write(folder / f"benchmark-infer-{machine}.csv", [columns, *rows])


def _mteb(folder: Path) -> None:
    columns = [
        "name",
        "revision",
        "release_date",
        "languages",
        "n_parameters",
        "memory_usage_mb",
        "max_tokens",
        "embed_dim",
        "license",
        "open_weights",
        "framework",
        "use_instructions",
        "training_datasets",
        "adapted_from",
        "modalities",
    ]
    sha = "0123456789" * 4
    _write(
        folder / "models.csv",
        [
            columns,
            [
                "a/text",
                sha,
                "2024-01-02",
                "eng-Latn|deu_Latn|fr|qqq",
                "1000.0",
                "1.0",
                "512.0",
                "8.0",
                "apache-2.0",
                "True",
                "Sentence Transformers|PyTorch",
                "True",
                "Quora|MSMARCO",
                "b/base",
                "text",
            ],
            ["a/sound", "v1", "", "", "inf", "", "inf", "", "", "True", "PyTorch", "", "", "", "audio"],
            ["openai/text-embedding-3-small", "1", "", "", "", "", "", "", "", "False", "API", "", "", "", "text"],
            ["closed/model", "1", "", "", "", "", "", "", "mit", "False", "API", "", "", "", "text"],
            ["a/film", "1", "", "", "", "", "", "", "mit", "True", "PyTorch", "", "", "", "video"],
        ],
    )
    lines = [
        "model,task,split,score",
        "a/text,STS12,test,0.75",
        "a/text,NotKept,test,0.5",
        "a/text,MSMARCO,dev,0.4",
        "a/text,MSMARCO,test,0.6",
        "a/text,MTOPIntentClassification,test,0.7",
        "a/sound,FSDD,train,0.9",
        "closed/model,STS12,test,0.8",
    ]
    folder.joinpath("scores.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


def _open_clip(folder: Path) -> None:
    columns = ["name", "pretrained", "params (M)", "ImageNet 1k", "Oxford-IIIT Pet"]
    _write(folder / "openclip_results.csv", [columns, ["ViT-B-32", "openai", "151.28", "0.6332", ""]])
    columns = ["name", "pretrained", "Flickr image retr. R@1"]
    _write(folder / "openclip_retrieval_results.csv", [columns, ["ViT-B-32", "openai", "0.58"]])
    _write(folder / "model_profile.csv", [["model", "mparams"], ["ViT-B-32", "151.28"]])


def _write(path: Path, rows: Iterable[Iterable[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)


def _build(upstream: Path, output: Path) -> dict[str, bytes]:
    command = [sys.executable, str(TOOL), str(upstream), "--output", str(output), "--scored-only"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return {str(path.relative_to(output)): path.read_bytes() for path in sorted(output.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_the_same_records_become_the_same_bytes(upstream: Path, tmp_path: Path) -> None:
    output = tmp_path / "tables"
    output.mkdir()
    (output / "curated.benchmarks.csv").write_text("key,task,dataset,split,metric,higher_is_better,source\n")
    (output / "sources.csv").write_text("key,title,url,version,license,date\n")

    assert _build(upstream, output) == _build(upstream, output)


def test_records_become_the_tables(upstream: Path, tmp_path: Path) -> None:
    output = tmp_path / "tables"
    output.mkdir()
    by_hand = "id,tasks,source\nhf:by/hand,translation,x\n"
    (output / "language").mkdir()
    (output / "language" / "curated.models.csv").write_text(by_hand)
    (output / "curated.benchmarks.csv").write_text("key,task,dataset,split,metric,higher_is_better,source\n")
    (output / "sources.csv").write_text("key,title,url,version,license,date\n")

    first = _build(upstream, output)
    assert first["language/curated.models.csv"].decode() == by_hand

    vision = {card.id: card for card in reading.models("vision", output)}
    assert vision["hf:timm/test_vit.r160_in1k"].embedding_dimension == 64
    assert vision["hf:timm/test_vit.r160_in1k"].pretraining == ("ImageNet-1k",)
    assert vision["hf:someone/plants"].parameters == 85_800_194
    assert not any("gcvit" in identity for identity in vision), "timm names no hub repository for it"
    scores = {(s.model, s.dataset): s.value for found in reading.scores("vision", output).values() for s in found}
    assert scores["hf:timm/test_vit.r160_in1k", "ImageNet-1k"] == 0.405, "the figure at the model's own input size"

    assert first["vision/timm.costs.csv"].decode().splitlines()[1:] == ["test_vit,160,0.04,0.48,2,0.01"]

    language = {card.id: card for card in reading.models("language", output)}
    text = language["hf:a/text"]
    assert text.languages == ("de", "en", "fr")
    assert (text.parameters, text.bytes, text.base_model) == (1000, None, "hf:b/base"), "1 MiB is no 1,000 parameters"
    assert set(language) == {"hf:a/text", "hf:by/hand"}
    assert {(s.dataset, s.split): s.value for s in reading.scores("language", output)["hf:a/text"]} == {
        ("STS12", "test"): 0.75,
        ("MSMARCO", "dev"): 0.4,
        ("MSMARCO", "test"): 0.6,
    }, "each split is kept, and no figure of languages that the records do not tell"
    [sound] = reading.models("audio", output)
    assert (sound.id, sound.parameters, sound.revision) == ("hf:a/sound", None, None)

    [clip] = reading.models("multimodal", output)
    assert (clip.id, clip.parameters, clip.embedding_dimension) == ("openclip:ViT-B-32/openai", 151_280_000, 512)
    science = {card.id: card for card in reading.models("scientific", output)}
    assert set(science) == {
        "github:someone/nets/net-1",
        "hf:facebook/esm2_t6_8M_UR50D",
        "paper:folder-two-1-5b",
    }
    assert science["github:someone/nets/net-1"].license == "other"
    assert science["paper:folder-two-1-5b"].parameters == 1_500_000_000
    directions = {
        s.metric: s.higher_is_better for s in reading.scores("scientific", output)["github:someone/nets/net-1"]
    }
    assert directions == {"f1": True, "mean_absolute_error": False, "rmse": False, "r2": True}
