"""MoLFormer, ChemBERTa and ProtBERT from a hub to figures, by the commands, on small models that are trained here.

Each has the architecture and the files of the published one. Molecules are real ones, tested on ring systems that were
not trained on.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_sequence_models as small
import tokenizers
import torch
from conformance import outcomes_of_models
from safetensors.torch import load_file, save_file

import zoo
from zoo.cli import run
from zoo.errors import UnsupportedModel
from zoo.sources import resolve
from zoo_scientific.molecules.molformer import MolformerConfig, MolformerModel
from zoo_scientific.sequence_backbone import atoms

sys.path.append(str(Path(__file__).parents[1] / "sources"))
from hub_server import HubServer

MOLFORMER = "hf:ibm/MoLFormer-XL-both-10pct"
CHEMBERTA = "hf:DeepChem/ChemBERTa-77M-MLM"
PROTBERT = "hf:Rostlab/prot_bert"
LONGEST = 40
POLAR = 45.0
"""Square angstroms; about half of the molecules have less."""

HYDROPATHY = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (
            1.8,
            -4.5,
            -3.5,
            -3.5,
            2.5,
            -3.5,
            -3.5,
            -0.4,
            -3.2,
            4.5,
            3.8,
            -3.9,
            1.9,
            2.8,
            -1.6,
            -0.8,
            -0.7,
            -0.9,
            -1.3,
            4.2,
        ),
        strict=True,
    )
)
"""Kyte and Doolittle, "A simple method for displaying the hydropathic character of a protein" (1982), table 2."""


@dataclass(frozen=True)
class Trained:
    """A published folder, and how often its pretraining found a hidden token."""

    folder: Path
    right: float


@pytest.fixture(scope="module")
def molecules() -> list[tuple[str, float]]:
    """SMILES with their polar surface areas."""
    data = zoo.read("rdkit:polar-areas:600")
    pairs = zip(data.inputs, np.asarray(data.targets).tolist(), strict=True)
    return [(smiles, area) for smiles, area in pairs if len(smiles) < LONGEST][:360]


@pytest.fixture(scope="module")
def molformer(tmp_path_factory: pytest.TempPathFactory, molecules: list[tuple[str, float]]) -> Trained:
    folder = tmp_path_factory.mktemp("molformer")
    return Trained(folder, small.molformer(folder, [smiles for smiles, _ in molecules]))


@pytest.fixture(scope="module")
def chemberta(tmp_path_factory: pytest.TempPathFactory, molecules: list[tuple[str, float]]) -> Trained:
    folder = tmp_path_factory.mktemp("chemberta")
    return Trained(folder, small.chemberta(folder, [smiles for smiles, _ in molecules]))


@pytest.fixture(scope="module")
def protbert(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("protbert")
    return Trained(folder, small.protbert(folder, [protein for _, protein in small.proteins(160, 0)]))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hf")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "ZOO_OFFLINE", "ZOO_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(cache))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def publish(hub: HubServer, model: str, folder: Path, **info: Any) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.add(model.removeprefix("hf:"), files, library_name="transformers", **info)


def commanded(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code = run([*arguments, "--json"])
    text = capsys.readouterr().out
    assert code == 0, text
    found: dict[str, Any] = json.loads(text)
    return found


def table(path: Path, header: tuple[str, str], rows: Iterable[tuple[str, object]]) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def formula(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Waves of a frequency of their own for each tensor, by the order of the names."""
    filled = {}
    for place, name in enumerate(sorted(state)):
        shape = state[name].shape
        wave = torch.sin(torch.arange(math.prod(shape), dtype=torch.float64) * (place + 1)).reshape(shape)
        filled[name] = (1 + wave / 4 if name.endswith("LayerNorm.weight") else wave / 2).float()
    return filled


def test_molformer_computes_what_its_published_code_computes() -> None:
    """Figures of the code in the published repository, run once elsewhere with these weights."""
    words = ["<bos>", "<eos>", "<pad>", "<mask>", "C", "c", "O", "N", "(", ")", "=", "1"]
    known = {word: place for place, word in enumerate(words)}
    model = MolformerModel(
        MolformerConfig(
            vocab_size=len(words),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=24,
            num_random_features=6,
        )
    ).eval()
    model.load_state_dict(formula(model.state_dict()))
    rows = [[0, *(known[atom] for atom in atoms(smiles)), 1] for smiles in ("CC(=O)Oc1ccccc1C(=O)O", "CCO")]
    tokens = torch.tensor([[*row, *[2] * (len(rows[0]) - len(row))] for row in rows])
    seen = (tokens != 2).long()

    with torch.inference_mode():
        found = model(tokens, seen).last_hidden_state
    means = (found * seen[..., None]).sum(dim=1) / seen.sum(dim=1, keepdim=True)

    expected = [
        [-0.5837331414, -0.9729635715, 0.8450704813, 0.5084245801],
        [-0.8482266665, -0.0757961795, 1.1458755732, 0.5460920930],
    ]
    torch.testing.assert_close(means[:, :4], torch.tensor(expected), atol=1e-5, rtol=0)
    last = [[1.3230628967, 1.4022927284], [0.7253170013, 0.8483256102]]
    torch.testing.assert_close(found[:, 0, -2:], torch.tensor(last), atol=1e-5, rtol=0)


def test_padding_changes_no_feature_of_molformer(molformer: Trained) -> None:
    backbone = zoo.load(f"file:{molformer.folder}").backbone
    short, long = (backbone.preprocess(smiles) for smiles in ("CCO", "CC(=O)OC1=CC=CC=C1C(=O)O"))

    alone = backbone.features(backbone.collate([short]), backbone.layers)
    beside = backbone.features(backbone.collate([short, long]), backbone.layers)

    assert len(alone) == 6
    for layer, vectors in alone.items():
        np.testing.assert_allclose(vectors[0], beside[layer][0], atol=1e-5)


def test_both_vocabularies_of_molformer_read_alike(molformer: Trained, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(molformer.folder, bare, ignore=shutil.ignore_patterns("tokenizer*.json", "special_tokens_map.json"))
    whole, plain = (zoo.load(f"file:{folder}").backbone for folder in (molformer.folder, bare))
    known = json.loads((bare / "vocab.json").read_text())
    unheard = "C[Pu]CBr"

    for smiles in (unheard, "CC(=O)OC1=CC=CC=C1C(=O)O"):
        assert whole.preprocess(smiles) == plain.preprocess(smiles)
    assert whole.preprocess(unheard) == [known[w] for w in ("<bos>", "C", "<unk>", "C", "Br", "<eos>")]

    shutil.copy(molformer.folder / "tokenizer.json", bare)
    config = json.loads((bare / "config.json").read_text())
    tensors = load_file(bare / "model.safetensors")
    fewer = {key: tensor[:-1].clone() if len(tensor) == len(known) else tensor for key, tensor in tensors.items()}
    save_file(fewer, bare / "model.safetensors")
    (bare / "config.json").write_text(json.dumps({**config, "vocab_size": len(known) - 1}))
    assert zoo.load(f"file:{bare}").backbone.preprocess(unheard)[2] == known["<pad>"]  # it has no vector for <unk>

    (bare / "tokenizer.json").unlink()
    del known["<unk>"]
    (bare / "vocab.json").write_text(json.dumps(known))
    assert zoo.load(f"file:{bare}").backbone.preprocess(unheard)[2] == known["<pad>"]


def test_molformer_conforms(molformer: Trained) -> None:
    outcomes = outcomes_of_models("scientific", f"file:{molformer.folder}")
    assert [f"{o.check}: {o.detail}" for o in outcomes if o.status == "failed"] == []


def test_molformer_comes_from_the_hub_and_its_code_is_not_run(
    molformer: Trained,
    hub: HubServer,
    tmp_path: Path,
    molecules: list[tuple[str, float]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    tokens = Counter(atom for smiles, _ in molecules for atom in atoms(smiles))
    assert molformer.right > tokens.most_common(1)[0][1] / tokens.total() + 0.03  # it learnt the context of atoms
    publish(hub, MOLFORMER, molformer.folder)
    data = table(tmp_path / "areas.csv", ("smiles", "area"), molecules[:40])

    pulled = commanded(capsys, "pull", MOLFORMER)
    commanded(capsys, "features", MOLFORMER, data, "-o", str(tmp_path / "x.safetensors"))
    commanded(capsys, "features", MOLFORMER, data, "-o", str(tmp_path / "again.safetensors"), "--batch-size", "3")

    assert not list(Path(pulled["path"]).rglob("*.py"))
    assert not [name for name in sys.modules if name.endswith("modeling_molformer")]
    features, again = (load_file(tmp_path / f"{name}.safetensors")["features"] for name in ("x", "again"))
    torch.testing.assert_close(features, again, atol=1e-5, rtol=0)
    assert features.shape == (40, 48)
    assert features.std(dim=0).min() > 0


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("linear-probe", ()),
        ("full", ("--head", "random", "--epochs", "12", "--learning-rate", "4e-3", "--keep", "fine-tuned")),
        pytest.param(
            "lora",
            ("--head", "random", "--epochs", "12", "--learning-rate", "4e-3", "--keep", "fine-tuned"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_molformer_learns_a_property_across_scaffolds(
    strategy: str,
    options: tuple[str, ...],
    molformer: Trained,
    hub: HubServer,
    tmp_path: Path,
    molecules: list[tuple[str, float]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish(hub, MOLFORMER, molformer.folder)
    data = table(tmp_path / "areas.csv", ("smiles", "area"), molecules)
    tuned = tmp_path / "tuned"

    found = commanded(
        capsys, "tune", MOLFORMER, data, "--split", "scaffold", "--strategy", strategy, *options, "-o", str(tuned)
    )
    answers = commanded(capsys, "predict", f"file:{tuned}", "CCCCCC", "NCC(=O)NCC(=O)O")["predictions"]

    assert (found["task"], found["plan"]["split"]) == ("molecular-property-prediction", "scaffold")
    assert found["metrics"]["rmse"] < 0.6 * found["baseline"]["rmse"]
    hexane, dipeptide = (answer["output"] for answer in answers)
    assert dipeptide > hexane + 30


@pytest.mark.slow
def test_chemberta_ranks_molecules_across_scaffolds(
    chemberta: Trained,
    hub: HubServer,
    tmp_path: Path,
    molecules: list[tuple[str, float]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish(hub, CHEMBERTA, chemberta.folder)
    data = table(tmp_path / "polar.csv", ("smiles", "polar"), ((s, int(area > POLAR)) for s, area in molecules))

    options = ("--split", "scaffold", "--task", "molecular-property-prediction", "--target-column", "polar")
    found = commanded(capsys, "tune", CHEMBERTA, data, *options)

    assert found["metrics"]["roc_auc"] > found["baseline"]["roc_auc"] + 0.25 == 0.75
    backbone = zoo.load(CHEMBERTA).backbone
    pairs = tokenizers.ByteLevelBPETokenizer(str(chemberta.folder / "vocab.json"), str(chemberta.folder / "merges.txt"))
    for smiles, _ in molecules[:20]:
        assert backbone.preprocess(smiles) == [0, *pairs.encode(smiles).ids, 2]


@pytest.mark.slow
def test_protbert_predicts_properties_and_kinds(
    protbert: Trained, hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(hub, PROTBERT, protbert.folder)
    known = small.proteins(160, 5)
    numbers = [(protein, sum(map(HYDROPATHY.__getitem__, protein)) / len(protein)) for _, protein in known]
    kinds = tmp_path / "kinds.fasta"
    kinds.write_text(small.fasta(known))

    data = table(tmp_path / "hydropathy.csv", ("sequence", "hydropathy"), numbers)
    ranked = commanded(capsys, "tune", PROTBERT, data, "--target-column", "hydropathy")
    named = commanded(
        capsys, "tune", PROTBERT, str(kinds), "--strategy", "full", "--epochs", "4", "--keep", "fine-tuned"
    )

    assert ranked["task"] == "protein-property-prediction"
    assert ranked["metrics"]["spearman"] > 0.8
    assert named["task"] == "protein-classification"
    assert named["metrics"]["accuracy"] > named["baseline"]["accuracy"] + 0.3


def test_protbert_reads_residues_as_words_and_the_rare_ones_as_unknown(hub: HubServer, tmp_path: Path) -> None:
    small.protbert(tmp_path, ["MKV"], epochs=1)
    publish(hub, PROTBERT, tmp_path)
    words = (tmp_path / "vocab.txt").read_text().split()

    tokens = zoo.load(PROTBERT).backbone.preprocess("MKUTZOBW")

    assert [words[token] for token in tokens] == ["[CLS]", *"MKXTXXXW", "[SEP]"]


def test_a_folder_says_that_it_reads_molecules(tmp_path: Path, molecules: list[tuple[str, float]]) -> None:
    """RoBERTa is of texts, unless its folder says otherwise."""
    folder = tmp_path / "own"
    small.chemberta(folder, [smiles for smiles, _ in molecules[:40]], epochs=1)
    assert resolve(f"file:{folder}").domain == "language"
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "input_kind": "molecule"}))

    loaded = zoo.load(f"file:{folder}")

    assert (loaded.card.domain, loaded.card.tasks) == ("scientific", ("molecular-property-prediction",))
    assert loaded.backbone.input_kind == "molecule"


def test_a_molformer_that_no_catalog_knows_reads_molecules(molformer: Trained, hub: HubServer) -> None:
    config = {"model_type": "molformer", "architectures": ["MolformerForSequenceClassification"]}
    publish(hub, "hf:someone/my-molformer", molformer.folder, config=config)
    loaded = zoo.load("hf:someone/my-molformer")
    assert (loaded.card.domain, loaded.card.tasks) == ("scientific", ("molecular-property-prediction",))
    assert loaded.backbone.input_kind == "molecule"


def test_a_folder_without_a_complete_molformer_is_refused_by_name(molformer: Trained, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(molformer.folder, folder)
    tensors = load_file(molformer.folder / "model.safetensors")
    name = "molformer.encoder.layer.1.attention.self.feature_map.weight"

    save_file({key: tensor for key, tensor in tensors.items() if key != name}, folder / "model.safetensors")
    with pytest.raises(UnsupportedModel, match=r"lack 1 tensor .*layer\.1\.attention\.self\.feature_map\.weight"):
        zoo.load(f"file:{folder}")

    save_file({**tensors, name: tensors[name][:, :5].contiguous()}, folder / "model.safetensors")
    with pytest.raises(UnsupportedModel, match=r"feature_map\.weight has a different shape .*12 x 5"):
        zoo.load(f"file:{folder}")

    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_attention_heads": 5}))
    with pytest.raises(UnsupportedModel, match="48 dimensions cannot be shared among 5 heads"):
        zoo.load(f"file:{folder}")


def test_other_code_of_a_repository_is_not_run_either(molformer: Trained, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(molformer.folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "own", "input_kind": "molecule"}))
    with pytest.raises(UnsupportedModel, match="needs its repository's own code, which zoo never runs"):
        zoo.load(f"file:{folder}")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("tokenizer.json", "{", r"tokenizer\.json is damaged"),
        ("special_tokens_map.json", "[]", r"special_tokens_map\.json contains a list"),
        ("special_tokens_map.json", '{"cls_token": {"content": "<s>"}}', "vocabulary lacks the special token <s>"),
    ],
)
def test_damaged_vocabularies_raise_a_clear_error(
    name: str, content: str, reason: str, molformer: Trained, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(molformer.folder, folder)
    (folder / "tokenizer_config.json").unlink()
    (folder / name).write_text(content)
    with pytest.raises(UnsupportedModel, match=f"cannot be loaded: .*{reason}"):
        zoo.load(f"file:{folder}")
