"""lDDT and TM-score of alpha carbons, on real chains and on what is done to them."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import tmtools
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data import read
from zoo.errors import DataError
from zoo_scientific.proteins.folding_metrics import best_tm_score, lddt, tm_score
from zoo_scientific.proteins.folds import Folds
from zoo_scientific.proteins.structures import Structure, parse_pdb, read_structure

GLOBINS = Path(str(resources.files("tmtools") / "data" / "2gtl.pdb"))


@pytest.fixture(scope="module")
def chains() -> dict[str, Structure]:
    """Every globin of the haemoglobin of an earthworm, by its chain."""
    lines = [line for line in GLOBINS.read_text().splitlines() if line.startswith("ATOM")]
    found = {}
    for name in "ABCD":
        chain = parse_pdb("\n".join([*(line for line in lines if line[21] == name), "END"]))
        assert isinstance(chain, Structure), chain
        found[name] = chain
    return found


def moved(chain: Structure, places: np.ndarray) -> Structure:
    return Structure(chain.sequence, places)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_turning_and_moving_changes_nothing(seed):
    chain = read_structure(GLOBINS)
    draw = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(draw.standard_normal((3, 3)))
    turn[:, 0] *= np.sign(np.linalg.det(turn))
    other = moved(chain, chain.alpha @ turn + 50 * draw.standard_normal(3))

    assert lddt([chain], [other]) == pytest.approx(1.0, abs=1e-6)
    assert tm_score([chain], [other]) == pytest.approx(1.0, abs=1e-6)


def test_the_more_noise_the_worse(chains):
    draw = np.random.default_rng(0)
    noise = draw.standard_normal(chains["A"].alpha.shape)
    others = [moved(chains["A"], chains["A"].alpha + size * noise) for size in (0.0, 0.5, 1.0, 2.0, 4.0)]

    for metric in (lddt, tm_score):
        values = [metric([chains["A"]], [other]) for other in others]
        assert values == sorted(values, reverse=True)
        assert values[0] == pytest.approx(1.0, abs=1e-6)
        assert values[-1] < 0.4


def test_the_score_is_the_one_of_the_authors_program(chains):
    """tmtools runs TM-align of the same authors; where nothing moves along the chain, its alignment is the chain's own."""
    known, draw = chains["A"], np.random.default_rng(1)
    for size in (0.3, 1.0, 2.0):
        found = moved(known, known.alpha + size * draw.standard_normal(known.alpha.shape))
        theirs = tmtools.tm_align(found.alpha, known.alpha, found.sequence, known.sequence).tm_norm_chain2
        assert best_tm_score(known.alpha, found.alpha) == pytest.approx(theirs, abs=0.01)


def test_two_globins_have_one_fold_and_a_straight_chain_has_none(chains):
    one, other = chains["A"], chains["B"]
    n = min(len(one), len(other))
    theirs = tmtools.tm_align(one.alpha, other.alpha, one.sequence, other.sequence).tm_norm_chain2
    own = best_tm_score(other.alpha[:n], one.alpha[:n])
    assert theirs > 0.5
    assert own <= theirs * len(other) / n + 0.01

    [straight] = Folds().baseline([one.sequence], [], "protein-structure-prediction")
    assert tm_score([one], [straight]) < 0.2
    assert lddt([one], [straight]) < 0.3


def test_chains_of_other_lengths_are_refused(chains):
    with pytest.raises(DataError, match="147 residues with one of 10"):
        lddt([chains["A"]], [Structure("A" * 10, np.zeros((10, 3)))])


def test_a_folder_of_structures_is_read_and_what_is_none_is_listed(tmp_path):
    text = GLOBINS.read_text()
    (tmp_path / "globin.pdb").write_text(text)
    (tmp_path / "globin.cif").write_bytes(GLOBINS.with_suffix(".cif").read_bytes())
    (tmp_path / "cut.pdb").write_text("ATOM      1  N   GLY A   1      broken")
    (tmp_path / "water.pdb").write_text(
        "HETATM    1  O   HOH A   1       1.000   1.000   1.000  1.00  0.00           O\nEND\n"
    )

    data = read(str(tmp_path), task="protein-structure-prediction")

    assert (data.input_kind, data.target_kind, len(data)) == ("protein", "structure", 2)
    assert data.inputs[0] == data.inputs[1] == data.targets[0].sequence
    np.testing.assert_allclose(data.targets[0].alpha, data.targets[1].alpha, atol=1e-3)
    assert sorted(problem.item for problem in data.problems) == ["cut.pdb", "water.pdb"]
