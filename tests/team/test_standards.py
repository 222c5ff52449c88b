"""How a model becomes a standard, what an approval covers, and what happens to a standard later."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from people import ANA, BO, CY, Become, use
from safetensors.numpy import save_file

from zoo.entities import Measurement, ModelCard, ModelFile, Run
from zoo.errors import InvalidInput, PolicyError, PolicyRefusal, UnknownModel, ZooError
from zoo.registry import Registry
from zoo.registry.copying import copy
from zoo.registry.writing.transaction import writing
from zoo.team import audit, times
from zoo.team.identity.acting import NotAllowed
from zoo.team.identity.users import add_user, remove_user
from zoo.team.standards.entities import Place
from zoo.team.standards.outlook import Outlook
from zoo.team.standards.proposing import OtherPolicy, StaleProposal, approve, propose, reject, withdraw
from zoo.team.standards.reading import history, proposals, standard, standards
from zoo.team.standards.replacing import deprecate, rollback
from zoo.team.standards.rules import SlotRule, StandardRules, rules_in_force
from zoo.team.standards.source import Standards

TASK = "text-classification"
PLACE, SMALL = Place(TASK), Place(TASK, "small")


def card(name: str, **changes: object) -> ModelCard:
    commit = name.encode().hex().ljust(40, "0")[:40]
    values = {"revision": commit, "files": (ModelFile("model.safetensors", 5, commit.ljust(64, "1")),), **changes}
    return ModelCard(f"hf:team/{name}", "language", (TASK,), **values)  # type: ignore[arg-type]


A, B, C = card("a"), card("b"), card("c")
RUN = Run(
    "20260101-1", A.id, TASK, "mails", "f" * 64, "full", {"accuracy": 0.9}, {"accuracy": 0.5}, revision=A.revision
)
MEASUREMENT = Measurement(A.id, TASK, "f" * 64, "mails", "logme", 1.25, samples=10, revision=A.revision)


@pytest.fixture
def filled(any_registry: Registry, be: Become, monkeypatch: pytest.MonkeyPatch) -> Registry:
    any_registry.add([A, B, C, RUN, MEASUREMENT])
    use(any_registry, monkeypatch)
    return any_registry


def adopt(registry: Registry, be: Become, model: ModelCard, place: Place = PLACE) -> int:
    """Ana proposes, Bo approves."""
    be(ANA)
    key = propose(registry.path, model.id, place).key
    be(BO)
    assert approve(registry.path, key).state == "approved"
    return key


POLICY = """
policy-version = "1"
name = "acme-ml"
[groups]
ml = ["Bo@acme.example", "cy@acme.example"]
[[standards]]
task = "text-classification"
slots = ["small"]
owners = ["@ml"]
approvals = 2
require.evidence = ["run"]
[[rules]]
id = "no-b"
deny.id = "hf:team/b"
[[rules]]
id = "ask"
needs-approval.id = "hf:team/a"
"""


def test_the_policy_decides_what_may_become_a_standard(
    filled: Registry, be: Become, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, file = filled.path, tmp_path / "zoo-policy.toml"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    file.write_text(POLICY)
    with pytest.raises(PolicyRefusal, match="denies the action 'propose' on 'hf:team/b'"):
        propose(path, B.id, SMALL)
    with pytest.raises(InvalidInput, match="no slot 'default'"):
        propose(path, A.id, PLACE)
    with pytest.raises(InvalidInput, match="needs a run as evidence"):
        propose(path, A.id, SMALL)
    key = propose(path, A.id, SMALL, evidence=[RUN.id]).key
    assert rules_in_force().slots[0].owners == (BO, CY)
    be(BO)
    assert approve(path, key).state == "open"
    be(CY)
    assert approve(path, key).state == "approved"


def test_a_model_that_is_denied_meanwhile_is_not_approved(
    filled: Registry, be: Become, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    key = propose(filled.path, B.id, SMALL).key
    (tmp_path / "zoo-policy.toml").write_text(POLICY)
    be(BO)
    with pytest.raises(PolicyRefusal, match="denies the action 'approve' on 'hf:team/b'"):
        approve(filled.path, key)
    (tmp_path / "zoo-policy.toml").write_text("policy-version = ")
    with pytest.raises(ZooError, match=r"zoo-policy\.toml"):
        approve(filled.path, key)


def test_a_proposal_of_one_is_approved_by_another(filled: Registry, be: Become) -> None:
    path = filled.path
    proposal = propose(
        path, A.id, SMALL, evidence=["20260101-1", "measurement:1", "run:20260101-1"], reason="best on mails"
    )
    assert (proposal.state, proposal.author, proposal.files) == ("open", ANA, A.files)
    assert [one["id"] for one in proposal.evidence] == ["measurement:1", "run:20260101-1"]
    with pytest.raises(NotAllowed, match="is your own"):
        approve(path, proposal.key)
    be("ANA@acme.example")
    with pytest.raises(NotAllowed, match="is your own"):
        approve(path, proposal.key)
    be(BO)
    approve(path, proposal.key, reason="agreed")

    found = standard(path, SMALL)
    assert (found.model, found.revision, found.state, found.approvers) == (A.id, A.revision, "current", (BO,))
    assert found.to_dict()["id"] == f"std:{TASK}/small"
    assert [(e.action, e.object, e.actor) for e in audit.events(path)] == [
        ("propose", "proposal:1", ANA),
        ("approve", "proposal:1", BO),
        ("make current", f"standard:{TASK}/small", BO),
    ]
    with pytest.raises(InvalidInput, match="is approved, not open"):
        approve(path, 1)
    with pytest.raises(InvalidInput, match=r"is the standard for .* already"):
        propose(path, A.id, SMALL, evidence=["20260101-1", "measurement:1"])
    assert audit.verify(path).bad is None


def test_reasons_are_stored_without_secrets(filled: Registry, be: Become, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", "canary-in-the-environment")
    reason = "canary-in-the-environment, zoo_" + "aB3-" * 10 + "xyz"
    propose(filled.path, A.id, PLACE, reason=reason)
    be(BO)
    approve(filled.path, 1, reason=reason)

    (found,) = proposals(filled.path)
    assert found.reason == found.approvals[0].reason == "***, ***"


def test_rules_of_a_policy_apply(filled: Registry, be: Become) -> None:
    path = filled.path
    rule = SlotRule("language/*", ("default", "small"), (BO, CY), approvals=2, evidence=("run",))
    rules = StandardRules("ab" * 32, (rule,))
    with pytest.raises(InvalidInput, match=r"no slot 'smal' .*Did you mean small"):
        propose(path, A.id, Place(TASK, "smal"), rules=rules)
    with pytest.raises(InvalidInput, match="needs a run as evidence"):
        propose(path, A.id, SMALL, evidence=["measurement:1"], rules=rules)
    propose(path, A.id, SMALL, evidence=["20260101-1"], rules=rules)
    be("eve@acme.example")
    with pytest.raises(NotAllowed, match="not an owner"):
        approve(path, 1, rules=rules)
    be(BO)
    assert approve(path, 1, rules=rules).state == "open"
    with pytest.raises(InvalidInput, match="approved proposal 1 already"):
        approve(path, 1, rules=rules)
    be(CY)
    assert approve(path, 1, rules=rules).approvers == (BO, CY)
    be(ANA)
    for change in (
        lambda: rollback(path, SMALL, rules=rules),
        lambda: deprecate(path, SMALL, replace_by=B.id, until="9d", rules=rules),
    ):
        with pytest.raises(NotAllowed, match="not an owner"):
            change()


def test_roles_and_scopes_apply(filled: Registry, be: Become) -> None:
    path = filled.path
    add_user(path, ANA, role="admin")
    add_user(path, BO, role="member", scope="language/*")
    add_user(path, CY, role="approver", scope="vision/*")
    be(BO)
    propose(path, A.id, PLACE)
    with pytest.raises(NotAllowed, match="may not propose"):
        propose(path, A.id, Place("image-classification"))
    be(CY)
    with pytest.raises(NotAllowed, match="does not cover language/text-classification"):
        approve(path, 1)
    with pytest.raises(NotAllowed, match="may not withdraw"):
        withdraw(path, 1)
    be(ANA)
    assert withdraw(path, 1).state == "withdrawn"


def test_the_approval_of_someone_who_left_does_not_count(filled: Registry, be: Become) -> None:
    path, rules = filled.path, StandardRules(slots=(SlotRule(approvals=2),))
    for user, role in ((ANA, "admin"), (BO, "approver"), (CY, "approver"), ("dan@acme.example", "member")):
        add_user(path, user, role=role)
    be("dan@acme.example")
    propose(path, A.id, PLACE, rules=rules)
    be(BO)
    approve(path, 1, rules=rules)
    be(ANA)
    remove_user(path, BO)
    be(CY)
    assert approve(path, 1, rules=rules).state == "open"
    be(ANA)
    assert approve(path, 1, rules=rules).state == "approved"


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ([dataclasses.replace(A, files=(ModelFile("model.safetensors", 5, "9" * 64),))], "has another hash"),
        ([dataclasses.replace(MEASUREMENT, value=2.0)], "evidence 'measurement:1' has changed"),
        ([dataclasses.replace(RUN, metrics={"accuracy": 0.99})], "evidence 'run:20260101-1' has changed"),
        ("UPDATE proposals SET model = 'hf:team/b'", "the proposal itself was changed"),
        ("DELETE FROM runs", "has changed or is gone"),
    ],
)
def test_a_change_of_what_was_proposed_makes_it_stale(filled: Registry, be: Become, change, because: str) -> None:
    path = filled.path
    propose(path, A.id, PLACE, evidence=["20260101-1", "measurement:1"])
    if isinstance(change, str):
        with writing(path) as session:
            session.connection().exec_driver_sql(change)
    elif isinstance(change, list):
        filled.add(change)
    be(BO)
    with pytest.raises(StaleProposal, match=because):
        approve(path, 1)

    assert proposals(path)[0].state == "stale"
    assert [event.action for event in audit.events(path)] == ["propose", "mark stale"]
    assert standards(path) == []
    with pytest.raises(InvalidInput, match="is stale, not open"):
        approve(path, 1)


def test_under_another_policy_a_proposal_is_not_approved_and_stays_open(filled: Registry, be: Become) -> None:
    key = propose(filled.path, A.id, PLACE).key
    be(BO)
    with pytest.raises(OtherPolicy, match="made under a different policy"):
        approve(filled.path, key, rules=StandardRules("cd" * 32))
    assert approve(filled.path, key).state == "approved"


def test_a_standard_that_was_agreed_elsewhere_lacks_the_approvals_of_owners(
    filled: Registry, be: Become, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    adopt(filled, be, A, SMALL)
    assert Standards().target(str(SMALL)).model.name == "team/a"
    (tmp_path / "zoo-policy.toml").write_text(POLICY)
    with pytest.raises(PolicyRefusal, match="has 1 of the 2 approvals by owners") as caught:
        Standards().target(str(SMALL))
    assert caught.value.hint.endswith("--task text-classification --slot small")


def test_a_rollback_asks_the_policy(
    filled: Registry, be: Become, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    adopt(filled, be, B)
    adopt(filled, be, A)
    (tmp_path / "zoo-policy.toml").write_text(
        POLICY.partition("[[standards]]")[0] + POLICY[POLICY.index("[[rules]]") :]
    )
    with pytest.raises(PolicyRefusal, match="denies the action 'approve' on 'hf:team/b'"):
        rollback(filled.path, PLACE)
    with pytest.raises(PolicyRefusal, match="denies the action 'propose' on 'hf:team/b'"):
        deprecate(filled.path, PLACE, replace_by=B.id, until="90d")
    assert standard(filled.path, PLACE).model == A.id


def test_a_folder_of_this_machine_is_refused(filled: Registry, be: Become, tmp_path: Path) -> None:
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned" / "config.json").write_text('{"model_type": "bert"}')
    save_file({"weight": np.zeros(2, dtype=np.float32)}, tmp_path / "tuned" / "model.safetensors")
    with pytest.raises(InvalidInput, match="cannot be a standard: it is a folder of this machine"):
        propose(filled.path, f"file:{tmp_path / 'tuned'}", PLACE)


def test_a_newer_revision_in_the_registry_does_not_change_a_proposal(filled: Registry, be: Become) -> None:
    propose(filled.path, A.id, PLACE)
    filled.add([card("a", revision="e" * 40, files=())])
    be(BO)

    assert approve(filled.path, 1).revision == A.revision


@pytest.mark.parametrize(
    ("model", "place", "evidence", "text"),
    [
        ("hf:team/none", PLACE, [], "team/none"),
        (A.id, Place("text-clasification"), [], "text-classification"),
        (A.id, PLACE, ["nothing"], r"no run 'nothing'.*'20260101-1', 'measurement:1' \(logme on mails\)"),
        (A.id, PLACE, ["measurement:99"], "no measurement '99'"),
        (A.id, PLACE, ["measurement:x"], "is not evidence"),
        (A.id, PLACE, ["models:1"], "is not evidence"),
        (B.id, PLACE, ["20260101-1"], f"of the model '{A.id}'.*Measure it first"),
        (A.id, Place("token-classification"), ["20260101-1"], f"of the task '{TASK}'"),
        (f"{A.id}@{'c' * 40}", PLACE, ["20260101-1"], "is of the revision"),
        ("paper:x", PLACE, [], "described in a paper"),
        ("torchhub:team/unpinned:m", PLACE, [], "Nothing pins"),
    ],
)
def test_bad_proposals_are_refused(
    filled: Registry,
    be: Become,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    place: Place,
    evidence: list[str],
    text: str,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    filled.add([ModelCard("paper:x", "language"), ModelCard("torchhub:team/unpinned:m", "language")])
    with pytest.raises(ZooError, match=text):
        propose(filled.path, model, place, evidence=evidence)
    assert proposals(filled.path) == []
    assert audit.verify(filled.path).rows == 0


@pytest.mark.parametrize("text", ["a b", "std:x/y/z", "x/", "/x", "x@1", "../x", "X", "", "x/-y"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Place.parse(text)


def test_proposals_are_rejected_and_withdrawn(filled: Registry, be: Become) -> None:
    path = filled.path
    for model in (A, B):
        propose(path, model.id, PLACE)
    with pytest.raises(InvalidInput, match="proposed already, as proposal 2"):
        propose(path, B.id, PLACE)
    with pytest.raises(NotAllowed, match="is your own"):
        reject(path, 1)
    be(BO)
    with pytest.raises(NotAllowed, match="zoo standard reject 2"):
        withdraw(path, 2)
    assert reject(path, 1, reason="licence").state == "rejected"
    be(ANA)
    assert withdraw(path, 2).state == "withdrawn"
    with pytest.raises(InvalidInput, match="no proposal 9"):
        withdraw(path, 9)

    assert [event.action for event in audit.events(path)] == ["propose", "propose", "reject", "withdraw"]
    with pytest.raises(UnknownModel, match="no standard"):
        standard(path, PLACE)


def test_standards_follow_one_another_and_come_back(
    filled: Registry, be: Become, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = filled.path
    days = iter(f"2026-05-{day:02}T12:00:00.000000Z" for day in range(1, 30))
    monkeypatch.setattr(audit, "now", lambda: next(days))
    first = adopt(filled, be, A)  # 1 to 3 May
    adopt(filled, be, B)  # 4 to 6 May
    adopt(filled, be, C, SMALL)  # 7 to 9 May
    assert rollback(path, PLACE, reason="slower").model == A.id  # 10 May
    assert rollback(path, PLACE).model == B.id
    assert rollback(path, PLACE, to=first).model == A.id
    with pytest.raises(InvalidInput, match="no earlier standard from proposal 7"):
        rollback(path, PLACE, to=7)
    with pytest.raises(InvalidInput, match="no earlier standard for"):
        rollback(path, SMALL)
    with pytest.raises(InvalidInput, match=r"no standard for .*/large"):
        rollback(path, Place(TASK, "large"))

    def at(day: int) -> list[str]:
        return [one.model for one in standards(path, times.parsed(f"2026-05-{day:02}", end=True))]

    assert [at(day) for day in (2, 3, 5, 6, 9, 10, 11, 12)] == [
        [],
        [A.id],
        [A.id],
        [B.id],
        [B.id, C.id],
        [A.id, C.id],
        [B.id, C.id],
        [A.id, C.id],
    ]
    periods = [(one.model, one.to_time) for one in history(path, TASK) if one.place == PLACE]
    assert [model for model, _ in periods] == [A.id, B.id, A.id, B.id, A.id]
    assert [end is None for _, end in periods] == [False] * 4 + [True]
    assert audit.verify(path).bad is None
    if isinstance(path, Path):
        copy(path, tmp_path / "copy.db")
        assert history(tmp_path / "copy.db", TASK) == history(path, TASK)
        assert proposals(tmp_path / "copy.db") == proposals(path)


def test_a_standard_is_deprecated_and_retires(filled: Registry, be: Become, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled.path
    adopt(filled, be, A)
    with pytest.raises(InvalidInput, match="is the standard itself"):
        deprecate(path, PLACE, replace_by=A.id, until="9d")
    with pytest.raises(InvalidInput, match="not in the future"):
        deprecate(path, PLACE, replace_by=B.id, until="2020-01-01")
    with pytest.raises(UnknownModel):
        deprecate(path, PLACE, replace_by="no-such-model", until="9d")
    found = deprecate(path, PLACE, replace_by=B.id, until="2999-06-30", reason="better one")

    assert (found.state, found.replacement, found.until) == ("deprecated", B.id, "2999-06-30T23:59:59.999999Z")
    assert standard(path, PLACE).state == "deprecated"
    with monkeypatch.context() as later:
        later.setattr("zoo.team.standards.reading.now", lambda: "2999-07-01T00:00:00.000000Z")
        assert standard(path, PLACE).state == "retired"
        assert [one.state for one in standards(path, "2999-01-01")] == ["deprecated"]
    assert rollback(path, PLACE).state == "current"
    assert standard(path, PLACE).model == A.id


def test_a_model_of_another_domain_fits_only_its_own_tasks(filled: Registry) -> None:
    text = dataclasses.replace(card("t"), input={"kind": "text"})
    filled.add([text, dataclasses.replace(card("u"), input={"kind": "text"}, tasks=("image-classification",))])
    with pytest.raises(InvalidInput, match="is a language model for inputs of the kind 'text'") as error:
        propose(filled.path, text.id, Place("image-classification"))
    assert TASK in error.value.hint
    assert propose(filled.path, "hf:team/u", Place("image-classification")).state == "open"
    assert propose(filled.path, text.id, PLACE).state == "open"


BOTH = 'policy-version = "1"\nname = "acme-ml"\n' + "".join(
    f'[[standards]]\ntask = "{task}"\napprovals = {count}\n' for task, count in ((TASK, 1), ("*", 2))
)


def test_all_rules_that_match_a_task_apply_together(
    filled: Registry, be: Become, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "zoo-policy.toml").write_text(BOTH)
    key = propose(filled.path, A.id, PLACE).key
    be(BO)
    assert Outlook.of(filled.path).approvals(approve(filled.path, key)) == (1, 2)
    assert proposals(filled.path)[0].state == "open"
    be(CY)
    assert approve(filled.path, key).state == "approved"
    assert Standards().target(TASK).id == A.id


def test_a_merged_rule_softens_none() -> None:
    first = SlotRule(TASK, ("small", "large"), (BO, CY), 1, ("run",), 30, False, "p:4")
    second = SlotRule("*", ("large",), (CY, ANA), 2, ("measurement", "run"), 90, True, "p:9")
    for slots in ((first, second), (second, first)):
        found = StandardRules(slots=slots).merged("language", TASK)
        assert (found.slots, found.owners, found.approvals) == (("large",), (CY,), 2)
        assert ({*found.evidence}, found.max_age, found.only) == ({"run", "measurement"}, 30, True)
    for name, what in (("owners", "owner"), ("slots", "slot")):
        other = dataclasses.replace(second, **{name: ("eve",)})
        with pytest.raises(PolicyError, match=f"at p:4 and p:9 have no {what} in common"):
            StandardRules(slots=(first, other)).of("language", TASK, "large")
