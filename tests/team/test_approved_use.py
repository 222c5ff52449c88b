"""A model that needs an approval may be used once the team has approved it, and nothing else may because of that."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from people import ANA, BO, CY, Become, use
from policies import COMMIT, HEAD, known_card, rule
from safetensors.numpy import save_file

from zoo.contract.deciding import Use, Verdict
from zoo.entities import ModelCard, ModelFile, ModelId, Run
from zoo.errors import PolicyRefusal
from zoo.plugins.deciding import decide, permit
from zoo.registry import Registry
from zoo.registry.writing.transaction import writing
from zoo.sources import source
from zoo.sources.making import OUTPUT, made_from
from zoo.sources.permitting import about, decisions
from zoo.team.deciding import findings
from zoo.team.standards import known
from zoo.team.standards.entities import Place
from zoo.team.standards.proposing import approve, propose
from zoo.team.standards.replacing import deprecate, rollback

TASK = "image-classification"
PLACE = Place(TASK)
FILES = (ModelFile("model.safetensors", 344_000_000, "ab" * 32),)
CARD = known_card("hf:team/a", license="CC-BY-NC-4.0", files=FILES)
OTHER = known_card("hf:team/b", revision="b" * 40, files=(ModelFile("model.safetensors", 5, "cd" * 32),))
ASK = rule("needs-approval.license = ['non-commercial']", id="ask")
STANDARDS = f'[[standards]]\ntask = "{TASK}"\n'


@pytest.fixture
def team(registry: Registry, be: Become, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    """A registry with two models, and a policy in whose folder everyone is."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    registry.add([CARD, OTHER])
    use(registry, monkeypatch)
    known.forget()
    (tmp_path / "zoo-policy.toml").write_text(HEAD + ASK)
    return registry


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], None]:
    """Replaces the policy."""

    def replace(text: str) -> None:
        (tmp_path / "zoo-policy.toml").write_text(HEAD + text)
        known.forget()

    return replace


def adopt(registry: Registry, be: Become, model: ModelCard = CARD, place: Place = PLACE) -> int:
    be(ANA)
    key = propose(registry.path, model.id, place).key
    be(BO)
    assert approve(registry.path, key).state == "approved"
    return key


def verdict(card: ModelCard, action: str = "pull", use: Use | None = None) -> Verdict:
    return decide(card, action, use or Use(revision=card.revision, files=card.files)).verdict


def test_a_standard_may_be_used_though_it_needs_an_approval(team: Registry, be: Become) -> None:
    assert verdict(CARD) is Verdict.NEEDS_APPROVAL
    with pytest.raises(PolicyRefusal, match="requires approval"):
        permit(CARD, "pull", Use(revision=CARD.revision, files=FILES))
    key = adopt(team, be)
    assert verdict(CARD) is Verdict.ALLOW
    (reason,) = decide(CARD, "tune", Use(revision=CARD.revision, files=FILES)).deciding
    assert (reason.rule, reason.place) == ("ask", "zoo-policy.toml:5")
    assert reason.sentence.endswith(f"approved as the standard for '{TASK}' by {BO} (proposal {key})")
    found = findings(CARD, "pull", Use(revision=CARD.revision, files=FILES))
    assert [(str(one.verdict), f"proposal {key}" in one.sentence) for one in found] == [("allow", True)]


def test_files_that_have_arrived_are_compared_with_those_that_were_approved(team: Registry, be: Become) -> None:
    adopt(team, be)
    changed = (ModelFile("model.safetensors", 344_000_000, "ef" * 32),)
    further = (*FILES, ModelFile("pytorch_model.bin", 9, "12" * 32))
    assert (
        verdict(CARD, use=Use(revision=COMMIT)) is Verdict.ALLOW
    )  # of files that are not known yet, the commit counts
    assert verdict(CARD, use=Use(revision=COMMIT, files=changed)) is Verdict.NEEDS_APPROVAL
    assert verdict(CARD, use=Use(revision=COMMIT, files=further)) is Verdict.NEEDS_APPROVAL
    config = (*FILES, ModelFile("config.json", 9, "34" * 32))
    assert verdict(CARD, use=Use(revision=COMMIT, files=config)) is Verdict.ALLOW


@pytest.mark.parametrize("revision", ["c" * 40, "main", None])
def test_another_revision_is_not_approved(team: Registry, be: Become, revision: str | None) -> None:
    adopt(team, be)
    other = dataclasses.replace(CARD, revision=revision, files=())
    assert verdict(other) is Verdict.NEEDS_APPROVAL


def test_the_same_weights_under_another_name_are_not_approved(team: Registry, be: Become) -> None:
    adopt(team, be)
    copy = dataclasses.replace(CARD, id="hf:else/copy")
    team.add([copy])
    assert verdict(copy) is Verdict.NEEDS_APPROVAL
    assert verdict(copy, use=Use(revision=COMMIT, files=FILES, names=(CARD.id,))) is Verdict.NEEDS_APPROVAL
    folder = dataclasses.replace(CARD, id="file:/tmp/copy", base_model=CARD.id)
    assert verdict(folder, use=Use(revision=COMMIT, files=FILES, names=(CARD.id,))) is Verdict.NEEDS_APPROVAL


def test_an_approval_counts_under_the_policy_under_which_it_was_given(
    team: Registry, be: Become, write: Callable[[str], None]
) -> None:
    adopt(team, be)
    write(ASK + "# a comment\n")
    assert verdict(CARD) is Verdict.NEEDS_APPROVAL
    write(ASK)
    assert verdict(CARD) is Verdict.ALLOW


def test_what_is_denied_stays_denied(team: Registry, be: Become, write: Callable[[str], None]) -> None:
    text = ASK + rule("deny.license = 'CC-BY-NC-4.0'", id="never", on='["serve"]')
    write(text)
    adopt(team, be)
    assert verdict(CARD) is Verdict.ALLOW
    assert verdict(CARD, "serve") is Verdict.DENY


def test_fewer_approvals_than_the_policy_demands_are_none(
    team: Registry, be: Become, write: Callable[[str], None]
) -> None:
    write(ASK + STANDARDS + f'approvals = 2\nowners = ["{BO}", "{CY}"]\n')
    be(ANA)
    key = propose(team.path, CARD.id, PLACE).key
    be(BO)
    approve(team.path, key)
    assert verdict(CARD) is Verdict.NEEDS_APPROVAL
    be(CY)
    approve(team.path, key)
    assert verdict(CARD) is Verdict.ALLOW


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE standards SET revision = 'c'",
        "UPDATE standards SET model = 'hf:team/b'",
        "UPDATE proposals SET policy = 'x'",
        "UPDATE proposals SET state = 'withdrawn'",
        "UPDATE approvals SET digest = 'x'",
        "UPDATE approvals SET verdict = 'reject'",
        f"UPDATE approvals SET actor = '{ANA}'",
    ],
)
def test_rows_that_were_changed_by_hand_approve_nothing(team: Registry, be: Become, sql: str) -> None:
    adopt(team, be)
    with writing(team.path) as session:
        session.connection().exec_driver_sql(sql)
    known.forget()
    assert verdict(CARD) is Verdict.NEEDS_APPROVAL
    assert verdict(dataclasses.replace(OTHER, license="CC-BY-NC-4.0")) is Verdict.NEEDS_APPROVAL


def test_a_deprecated_standard_may_be_used_and_a_replaced_or_retired_one_not(
    team: Registry, be: Become, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt(team, be)
    deprecate(team.path, PLACE, replace_by=OTHER.id, until="30d")
    assert verdict(CARD) is Verdict.ALLOW
    with writing(team.path) as session:
        session.connection().exec_driver_sql("UPDATE standards SET until = '2020-01-01' WHERE to_time IS NULL")
    known.forget()
    assert verdict(CARD) is Verdict.NEEDS_APPROVAL
    rollback(team.path, PLACE)
    assert verdict(CARD) is Verdict.ALLOW
    adopt(team, be, OTHER)
    assert verdict(CARD) is Verdict.NEEDS_APPROVAL


def test_without_needs_approval_the_registry_is_not_asked(
    team: Registry, monkeypatch: pytest.MonkeyPatch, write: Callable[[str], None]
) -> None:
    monkeypatch.setattr(known, "_read", lambda location: pytest.fail("read the standards"))
    assert verdict(OTHER) is Verdict.ALLOW
    write(rule("deny.license = 'CC-BY-NC-4.0'"))
    assert verdict(CARD) is Verdict.DENY


def test_only_standards_refuses_other_models_for_its_task(
    team: Registry, be: Become, write: Callable[[str], None]
) -> None:
    write(STANDARDS + "only-standards = true\n")
    wanted = Use(TASK, OTHER.revision, OTHER.files)
    for action in ("tune", "serve"):
        with pytest.raises(PolicyRefusal, match=f"it is not a standard for '{TASK}'"):
            permit(OTHER, action, wanted)
    assert verdict(OTHER, "recommend", wanted) is Verdict.ALLOW  # how else would it become a standard
    assert verdict(OTHER, "tune", dataclasses.replace(wanted, task="text-classification")) is Verdict.ALLOW
    adopt(team, be, OTHER)
    assert verdict(OTHER, "tune", wanted) is Verdict.ALLOW
    assert verdict(OTHER, "tune", dataclasses.replace(wanted, revision="c" * 40)) is Verdict.DENY
    assert verdict(CARD, "tune", Use(TASK, COMMIT, FILES)) is Verdict.DENY
    assert [one.condition for one in findings(CARD, "tune", Use(TASK, COMMIT, FILES))] == ["only-standards"]


def test_only_standards_holds_for_tasks_that_are_not_known(team: Registry, write: Callable[[str], None]) -> None:
    write('[[standards]]\ntask = "*"\nonly-standards = true\n')
    for task in ("no-such-task", None):
        assert verdict(OTHER, "tune", Use(task, OTHER.revision, OTHER.files)) is Verdict.DENY
    assert verdict(OTHER, "load", Use(None, OTHER.revision, OTHER.files)) is Verdict.ALLOW
    write('[[standards]]\ntask = "vision/*"\nonly-standards = true\n')
    assert verdict(OTHER, "tune", Use("no-such-task", OTHER.revision, OTHER.files)) is Verdict.ALLOW
    assert verdict(OTHER, "serve", Use(None, OTHER.revision, OTHER.files)) is Verdict.DENY


def test_only_standards_of_a_file_above_holds_below(
    team: Registry, write: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(STANDARDS + "only-standards = true\n")
    below = tmp_path / "below"
    below.mkdir()
    (below / "zoo-policy.toml").write_text(HEAD + STANDARDS)
    monkeypatch.chdir(below)
    assert verdict(OTHER, "tune", Use(TASK, OTHER.revision, OTHER.files)) is Verdict.DENY


class TestWhatZooMade:
    """A folder that ``zoo tune`` wrote has the exceptions and approvals of the model that it was made from."""

    @pytest.fixture
    def tuned(self, team: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelCard:
        """A folder as zoo tune writes it, with its run in the registry."""
        folder = tmp_path / "tuned"
        folder.mkdir()
        save_file({"weight": np.zeros((2, 2))}, folder / "model.safetensors")
        card = dataclasses.replace(CARD, library="zoo", base_model=CARD.id, files=(), revision=None, loader={})
        document = {"card": dataclasses.replace(card, id=f"file:{folder}").to_dict()}
        (folder / "zoo.json").write_text(json.dumps(document))
        found = source("file").describe(str(folder))
        run = Run("r1", CARD.id, TASK, "d", "f" * 64, "probe", {"accuracy": 0.5}, plan={OUTPUT: found.revision})
        team.add([dataclasses.replace(run, revision=COMMIT, path=str(folder))])
        return found

    def test_its_origin_is_what_a_run_recorded(self, tuned: ModelCard, tmp_path: Path) -> None:
        assert made_from(tuned) == (ModelId("hf", "team/a", COMMIT),)
        (tmp_path / "tuned" / "model.safetensors").write_bytes(b"other weights")
        assert made_from(tuned) == ()
        assert made_from(dataclasses.replace(CARD, base_model="hf:team/b")) == ()

    def test_an_exception_covers_it(self, tuned: ModelCard, write: Callable[[str], None], tmp_path: Path) -> None:
        write(rule("deny.id = 'hf:team/*'", 'exceptions = [{ id = "hf:team/a", until = 2099-01-01 }]'))
        assert verdict(CARD) is Verdict.ALLOW
        assert self._verdict(tuned) is Verdict.ALLOW
        assert next(decisions([tuned], "recommend")).verdict is Verdict.ALLOW
        stated = tmp_path / "stated"
        stated.mkdir()
        (stated / "config.json").write_text('{"model_type": "vit"}')
        (stated / "model.safetensors").write_bytes((tmp_path / "tuned" / "model.safetensors").read_bytes())
        (stated / "README.md").write_text("---\nbase_model: team/a\n---\n")
        assert self._verdict(source("file").describe(str(stated))) is Verdict.DENY
        marker = tmp_path / "tuned" / "zoo.json"
        marker.write_text(marker.read_text() + "\n")
        assert self._verdict(source("file").describe(str(tmp_path / "tuned"))) is Verdict.DENY

    def test_an_exception_does_not_cover_what_it_has_of_its_own(
        self, tuned: ModelCard, write: Callable[[str], None]
    ) -> None:
        write(
            rule(
                "deny.id = 'hf:team/*'",
                "require.weights = 'gguf'",
                'exceptions = [{ id = "hf:team/a", until = 2099-01-01 }]',
            )
        )
        known_tuned = about(tuned, describe=False)
        reasons = decide(known_tuned.card, "predict", known_tuned.use).reasons
        assert [one.fact for one in reasons] == ["weights"]

    def test_an_exception_that_has_ended_covers_nothing(self, tuned: ModelCard, write: Callable[[str], None]) -> None:
        write(rule("deny.id = 'hf:team/*'", 'exceptions = [{ id = "hf:team/a", until = 2020-01-01 }]'))
        assert self._verdict(tuned) is Verdict.DENY

    def test_an_approval_covers_it(self, tuned: ModelCard, team: Registry, be: Become) -> None:
        assert self._verdict(tuned) is Verdict.NEEDS_APPROVAL
        adopt(team, be)
        assert self._verdict(tuned) is Verdict.ALLOW

    def test_only_standards_lets_it_be_served(
        self, tuned: ModelCard, team: Registry, be: Become, write: Callable[[str], None]
    ) -> None:
        write(STANDARDS + "only-standards = true\n")
        assert self._verdict(tuned, "serve", TASK) is Verdict.DENY
        adopt(team, be)
        assert self._verdict(tuned, "serve", TASK) is Verdict.ALLOW

    @staticmethod
    def _verdict(card: ModelCard, action: str = "predict", task: str | None = None) -> Verdict:
        found = about(card, card.id, describe=False)
        return decide(found.card, action, dataclasses.replace(found.use, task=task)).verdict
