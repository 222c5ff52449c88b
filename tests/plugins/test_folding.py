"""ESMFold through zoo gives what transformers gives: an untrained small one, so nothing here is about folding well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.models.esm.configuration_esm import get_default_vocab_list

import zoo
from zoo.cli import run
from zoo.errors import InvalidInput, UnsupportedModel

TASK = "protein-structure-prediction"
SEQUENCE = "MKTAYIAKQR"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    words = get_default_vocab_list()
    trunk = {
        "num_blocks": 1, "sequence_state_dim": 64, "pairwise_state_dim": 32, "sequence_head_width": 32,
        "pairwise_head_width": 32, "max_recycles": 1, "structure_module": {"num_blocks": 1},
    }  # fmt: skip
    config = transformers.EsmConfig(
        vocab_size=len(words), vocab_list=words, pad_token_id=1, mask_token_id=32, hidden_size=16, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=32, is_folding_model=True, position_embedding_type="rotary",
        esmfold_config={"trunk": trunk, "fp16_esm": False, "lddt_head_hid_dim": 16},
    )  # fmt: skip
    torch.manual_seed(0)
    place = tmp_path / "esmfold"
    transformers.EsmForProteinFolding(config).save_pretrained(place)
    (place / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    transformers.EsmTokenizer(str(place / "vocab.txt")).save_pretrained(place)
    return place


def test_a_structure_is_the_one_of_transformers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = transformers.EsmForProteinFolding.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = own.infer([SEQUENCE])
    code = run(["predict", f"file:{folder}", SEQUENCE, "--task", TASK, "--json"])
    text = capsys.readouterr().out
    assert code == 0, text
    assert json.dumps(own.output_to_pdb(expected)[0])[1:-1] in text
    answer = zoo.load(f"file:{folder}").predict([SEQUENCE], task=TASK)[0]
    assert answer["plddt"] == pytest.approx(expected["plddt"][0, :, 1].tolist(), abs=1e-5)


def test_an_unknown_residue_is_named(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="none of the twenty: X, Z"):
        zoo.load(f"file:{folder}").predict(["MKXZ"], task=TASK)


def test_a_missing_tensor_is_named(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    gone = next(name for name in tensors if name.startswith("trunk."))
    del tensors[gone]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UnsupportedModel, match="lack 1 tensors"):
        _ = zoo.load(f"file:{folder}").backbone
