"""Language models of molecules and proteins: packaged weights on real molecules, and a small ESM-2 trained here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import small_sequence_models as small
import torch
import transformers
from conformance import outcomes_of_models

import zoo
from zoo.cli import run
from zoo.errors import DataError
from zoo_scientific.cards import RXNMAPPER
from zoo_scientific.sequence_backbone import atoms


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def test_the_packaged_albert_loads_whole() -> None:
    backbone = zoo.load(RXNMAPPER.id).backbone
    assert sum(parameter.numel() for parameter in backbone.module.parameters()) == RXNMAPPER.parameters
    assert backbone.layers[-1] == "layer12.mean"


@pytest.mark.parametrize(
    ("smiles", "tokens"),
    [
        ("CCO", ["C", "C", "O"]),
        ("BrC(Cl)=O", ["Br", "C", "(", "Cl", ")", "=", "O"]),
        ("[Na+].c1cc%10ccc1>>N", ["[Na+]", ".", "c", "1", "c", "c", "%10", "c", "c", "c", "1", ">>", "N"]),
    ],
)
def test_smiles_are_cut_into_atoms_and_marks(smiles: str, tokens: list[str]) -> None:
    assert atoms(smiles) == tokens


def test_every_token_of_real_molecules_is_found() -> None:
    for smiles in zoo.read("rdkit:activities").inputs:
        assert "".join(atoms(smiles)) == smiles


@pytest.mark.slow
def test_a_property_of_real_molecules_is_learnt_across_scaffolds(capsys: pytest.CaptureFixture[str]) -> None:
    """Polar surface areas, tested on ring systems that were not trained on."""
    assert run(["tune", RXNMAPPER.id, "rdkit:polar-areas:800", "--split", "scaffold", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert found["task"] == "molecular-property-prediction"
    assert found["plan"]["split"] == "scaffold"
    assert found["metrics"]["rmse"] < 0.6 * found["baseline"]["rmse"]


def proteins(path: Path, count: int, seed: int) -> Path:
    path.write_text(small.fasta(small.proteins(count, seed)))
    return path


@pytest.fixture(scope="module")
def esm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ESM-2's architecture, trained for seconds to fill in masked residues of such sequences."""
    folder = tmp_path_factory.mktemp("esm")
    words = ["<cls>", "<pad>", "<eos>", "<unk>", *small.RESIDUES, *"XBUZO.-", "<null_1>", "<mask>"]
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = transformers.EsmTokenizer(str(folder / "vocab.txt"))
    torch.manual_seed(0)
    model = transformers.EsmForMaskedLM(
        transformers.EsmConfig(
            vocab_size=len(words),
            hidden_size=48,
            num_hidden_layers=3,
            num_attention_heads=4,
            intermediate_size=96,
            max_position_embeddings=130,
            position_embedding_type="rotary",
            token_dropout=True,
            emb_layer_norm_before=False,
            pad_token_id=1,
            mask_token_id=tokenizer.mask_token_id,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    rows = tokenizer([protein for _, protein in small.proteins(160, 0)])["input_ids"]
    small.fill_in(
        lambda ids, seen: model(ids, seen).logits,
        model.parameters(),
        rows,
        padding=1,
        mask=tokenizer.mask_token_id,
        marks={0, 1, 2, 3},
        epochs=8,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_features_of_esm_are_its_hidden_states(esm: Path) -> None:
    backbone = zoo.load(f"file:{esm}").backbone
    model = transformers.EsmModel.from_pretrained(esm, add_pooling_layer=False).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(esm)("MKTAYIAKQR", return_tensors="pt")
    with torch.inference_mode():
        expected = model(**tokens).last_hidden_state.mean(dim=1)[0]

    batch = backbone.collate([backbone.preprocess(text) for text in ("MKTAYIAKQR", "MKTAYIAKQRQISFVKSH")])

    assert backbone.input_kind == "protein"
    np.testing.assert_allclose(backbone.features(batch, ["layer3.mean"])["layer3.mean"][0], expected, atol=1e-5)


def test_proteins_are_classified_from_a_fasta_file(esm: Path, tmp_path: Path) -> None:
    path = proteins(tmp_path / "proteins.fasta", 120, 5)

    probed = zoo.tune(f"file:{esm}", str(path), output=str(tmp_path / "tuned"), save_run=False)
    evaluated = zoo.evaluate(f"file:{tmp_path / 'tuned'}", str(proteins(tmp_path / "new.fasta", 60, 9)))

    assert probed.task == "protein-classification"
    assert probed.metrics["accuracy"] > probed.baseline["accuracy"] + 0.3
    assert evaluated.metrics["accuracy"] > evaluated.baseline["accuracy"] + 0.3


def test_esm_conforms(esm: Path) -> None:
    failed = [f"{o.check}: {o.detail}" for o in outcomes_of_models("scientific", f"file:{esm}") if o.status == "failed"]
    assert failed == []


def test_inputs_that_are_not_sequences_are_refused() -> None:
    backbone = zoo.load(RXNMAPPER.id).backbone
    with pytest.raises(DataError, match="takes molecules as text"):
        backbone.preprocess(3)
    assert len(backbone.preprocess("C" * 2000)) == backbone.max_tokens == 512
