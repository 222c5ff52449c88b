"""ESMFold through zoo gives what transformers gives, of a small one without training; and such a one can be trained."""

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
from zoo.errors import DataError, InvalidInput, UnsupportedModel
from zoo_scientific.proteins.folding_metrics import lddt, tm_score
from zoo_scientific.proteins.structures import Structure, parse_pdb, read_structure

TASK = "protein-structure-prediction"
SEQUENCE = "MKTAYIAKQR"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    words = get_default_vocab_list()
    trunk = {
        "num_blocks": 1,
        "sequence_state_dim": 64,
        "pairwise_state_dim": 32,
        "sequence_head_width": 32,
        "pairwise_head_width": 32,
        "max_recycles": 1,
        "structure_module": {"num_blocks": 2},
    }
    config = transformers.EsmConfig(
        vocab_size=len(words),
        vocab_list=words,
        pad_token_id=1,
        mask_token_id=32,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        is_folding_model=True,
        position_embedding_type="rotary",
        esmfold_config={"trunk": trunk, "fp16_esm": False, "lddt_head_hid_dim": 16, "embed_aa": True},
    )
    torch.manual_seed(0)
    place = tmp_path / "esmfold"
    transformers.EsmForProteinFolding(config).save_pretrained(place)
    (place / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    transformers.EsmTokenizer(str(place / "vocab.txt")).save_pretrained(place)
    return place


def test_a_structure_is_the_one_of_transformers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = transformers.EsmForProteinFolding.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = own.infer([SEQUENCE])
    code = run(["predict", f"file:{folder}", SEQUENCE, "--task", TASK, "--json"])
    text = capsys.readouterr().out
    assert code == 0, text
    assert json.dumps(own.output_to_pdb(expected)[0])[1:-1] in text
    answer = zoo.load(f"file:{folder}").predict([SEQUENCE], task=TASK)[0]
    assert answer.plddt == pytest.approx(expected["plddt"][0, :, 1].tolist(), abs=1e-5)


def test_an_unknown_residue_is_named(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="other than the twenty: X, Z"):
        zoo.load(f"file:{folder}").predict(["MKXZ"], task=TASK)


def test_other_inputs_and_another_precision_are_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="takes proteins as text, not int"):
        zoo.load(f"file:{folder}").predict([7], task=TASK)
    with pytest.raises(UnsupportedModel, match="folds in float32, not in bfloat16"):
        _ = zoo.load(f"file:{folder}", dtype="bfloat16").backbone


def test_a_missing_tensor_is_named(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    gone = next(name for name in tensors if name.startswith("trunk."))
    del tensors[gone]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UnsupportedModel, match="lack 1 tensor "):
        _ = zoo.load(f"file:{folder}").backbone


def globin(folder: Path, name: str = "A", residues: int = 40) -> Path:
    """The first residues of a chain of a real structure, as a PDB file."""
    tmtools = pytest.importorskip("tmtools")
    text = (Path(tmtools.__file__).parent / "data" / "2gtl.pdb").read_text()
    lines = [line for line in text.splitlines() if line.startswith("ATOM") and line[21] == name]
    numbers = sorted({int(line[22:26]) for line in lines})[:residues]
    path = folder / f"globin{name}.pdb"
    path.write_text("\n".join([*(line for line in lines if int(line[22:26]) in numbers), "END", ""]))
    return path


def test_structures_are_compared_with_known_ones(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An untrained model folds nothing; its answers are evaluated as those of transformers."""
    known = tmp_path / "known"
    known.mkdir()
    path = globin(known)
    assert run(["evaluate", f"file:{folder}", str(known), "--task", TASK, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    structure = read_structure(path)
    assert isinstance(structure, Structure)
    own = transformers.EsmForProteinFolding.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = parse_pdb(own.infer_pdb(structure.sequence))
    assert found["metrics"]["lddt"] == pytest.approx(lddt([structure], [expected]), abs=1e-3)
    assert found["metrics"]["tm_score"] == pytest.approx(tm_score([structure], [expected]), abs=1e-3)
    assert set(found["baseline"]) == {"lddt", "tm_score"}


def test_a_file_of_sequences_is_folded_and_what_cannot_be_is_left_out(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fasta = tmp_path / "some.fasta"
    fasta.write_text(f">first\n{SEQUENCE}\n>odd\nMKXXXXXXXXZ\n>second one\n{SEQUENCE[::-1]}\n>digits\nMK1\n")
    drawn = tmp_path / "drawn"
    assert run(["predict", f"file:{folder}", str(fasta), "--task", TASK, "-o", str(drawn)]) == 0
    printed = capsys.readouterr()
    assert "10 residues" in printed.out
    assert "Left out: 2" in printed.err
    assert "other than the twenty: X, Z" in printed.err
    assert sorted(path.name for path in drawn.iterdir()) == [
        "01-first.pdb",
        "01-first.png",
        "02-second.pdb",
        "02-second.png",
    ]
    chain = parse_pdb((drawn / "01-first.pdb").read_text())
    assert isinstance(chain, Structure)
    assert chain.sequence == SEQUENCE

    page = tmp_path / "found.html"
    assert run(["predict", f"file:{folder}", SEQUENCE, "--task", TASK, "-o", str(page)]) == 0
    text = page.read_text()
    assert "mean confidence (pLDDT)" in text
    assert 'download="structure.pdb"' in text


def pieces(folder: Path, chains: str, length: int = 24) -> Path:
    """Chains of the earthworm's hemoglobin, cut into pieces, each a PDB file."""
    tmtools = pytest.importorskip("tmtools")
    text = (Path(tmtools.__file__).parent / "data" / "2gtl.pdb").read_text()
    lines = [line for line in text.splitlines() if line.startswith("ATOM")]
    folder.mkdir()
    for name in chains:
        of_chain = [line for line in lines if line[21] == name]
        numbers = sorted({int(line[22:26]) for line in of_chain})
        for start in range(0, len(numbers) - length, length):
            part = set(numbers[start : start + length])
            kept = [line for line in of_chain if int(line[22:26]) in part]
            (folder / f"{name}{start:03d}.pdb").write_text("\n".join([*kept, "END", ""]))
    return folder


@pytest.mark.slow
def test_folding_is_learnt(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model of one block learns, in seconds, that such pieces are mostly helices, also of pieces that it never saw."""
    known, tuned = pieces(tmp_path / "known", "ABCDMNO"), tmp_path / "tuned"
    arguments = ["--task", TASK, "--strategy", "full", "--epochs", "20", "--batch-size", "8", "--patience", "20"]

    assert (
        run(["tune", f"file:{folder}", str(known), *arguments, "--learning-rate", "1e-3", "-o", str(tuned), "--json"])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["lddt"] > found["baseline"]["lddt"] + 0.12
    assert run(["evaluate", f"file:{folder}", str(known), "--task", TASK, "--json"]) == 0
    before = json.loads(capsys.readouterr().out)
    assert run(["evaluate", f"file:{tuned}", str(known), "--task", TASK, "--json"]) == 0
    after = json.loads(capsys.readouterr().out)
    assert after["metrics"]["lddt"] > before["metrics"]["lddt"] + 0.12


def test_the_point_error_is_that_of_places_and_not_of_axes() -> None:
    from scipy.spatial.transform import Rotation

    from zoo_scientific.proteins.folding_learner import frames_of, point_error

    torch.manual_seed(0)
    chain = torch.randn(1, 12, 4, 3).cumsum(dim=1) * 3
    seen = torch.ones(1, 12, dtype=torch.bool)
    rotation = torch.tensor(Rotation.random(rng=1).as_matrix(), dtype=torch.float32)
    moved = chain @ rotation.T + torch.tensor([5.0, -3.0, 9.0])
    mirrored = chain * torch.tensor([1.0, 1.0, -1.0])

    def error(found: torch.Tensor) -> float:
        return float(point_error(frames_of(found), found[:, :, 1], frames_of(chain), chain[:, :, 1], seen))

    assert error(moved) == pytest.approx(error(chain), abs=1e-3)
    assert error(chain) < 0.01 + 1e-3
    assert error(mirrored) > 0.1
    far = chain.clone()
    far[:, 3] += 6.0
    # Seen from the other eleven its place, and seen from its own frame theirs, are off by the most that counts and more.
    assert error(far) == pytest.approx(22 / 144 * (0.9 + 0.1 * 6 * 3**0.5 / 10), abs=0.01)
    unseen = seen.clone()
    unseen[:, 3] = False
    assert float(point_error(frames_of(far), far[:, :, 1], frames_of(chain), chain[:, :, 1], unseen)) < 0.011


def test_quaternions_are_rotations() -> None:
    from scipy.spatial.transform import Rotation

    from zoo_scientific.proteins.folding_learner import _rotations

    quaternions = torch.randn(20, 4)
    expected = Rotation.from_quat(quaternions.numpy(), scalar_first=True).as_matrix()
    torch.testing.assert_close(_rotations(quaternions), torch.tensor(expected, dtype=torch.float32), atol=1e-5, rtol=0)


def test_what_does_not_fit_into_memory_is_refused_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo_scientific.proteins.folding import CHUNKED, WHOLE

    model = zoo.load(f"file:{folder}")
    expected = model.predict([SEQUENCE * 3], task=TASK)[0]
    whole, chunked = (model.backbone.needed(30, pairs) for pairs in (WHOLE, CHUNKED))

    monkeypatch.setattr("zoo_scientific.proteins.folding.free_memory", lambda device: (whole + chunked) // 2)
    in_chunks = model.predict([SEQUENCE * 3], task=TASK)[0]
    assert model.backbone.folder.trunk.chunk_size is not None
    assert in_chunks.plddt == pytest.approx(expected.plddt, abs=1e-4)

    monkeypatch.setattr("zoo_scientific.proteins.folding.free_memory", lambda device: chunked // 2)
    with pytest.raises(InvalidInput, match=r"Folding the 30 residues of 'MKTAYIAKQR.* takes about .* GB free"):
        model.predict([SEQUENCE * 3], task=TASK)
