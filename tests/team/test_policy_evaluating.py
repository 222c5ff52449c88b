"""What rules say of models: matches, unknown facts, exceptions, and what holds of every policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policies import COMMIT, HEAD, known_card, policy, reasons, rule, verdict

from zoo.contract.deciding import ACTIONS, Use, Verdict
from zoo.entities import ModelCard, ModelFile
from zoo.team.policy import evaluating, ids
from zoo.team.policy.evaluating import CompiledPolicy
from zoo.team.policy.parsing import document
from zoo.team.policy.rules import Condition
from zoo.team.policy.vocabulary import comparison

ALLOW, WARN, NEEDS_APPROVAL, DENY = Verdict
BARE = ModelCard("hf:someone/something", "other")


@pytest.mark.parametrize(
    ("line", "changes", "expected"),
    [
        ("deny.license = 'non-commercial'", {}, ALLOW),
        ("deny.license = 'non-commercial'", {"license": "CC-BY-NC-4.0"}, DENY),
        ("deny.license = 'non-commercial'", {"license": None}, NEEDS_APPROVAL),
        ("deny.license = 'non-commercial'", {"license": "other"}, NEEDS_APPROVAL),
        ("deny.license = 'other'", {"license": "other"}, DENY),
        ("deny.license = 'GPL-*'", {"license": "MIT OR GPL-2.0-only"}, ALLOW),
        ("deny.license = 'GPL-*'", {"license": "MIT AND GPL-2.0-only"}, DENY),
        ("deny.license = 'GPL-*'", {"license": "GPL-2.0-only WITH Classpath-exception-2.0"}, DENY),
        ("allow.license = 'permissive'", {"license": "MIT OR GPL-2.0-only"}, ALLOW),
        ("allow.license = 'permissive'", {"license": "MIT AND GPL-2.0-only"}, NEEDS_APPROVAL),
        ("allow.license = 'permissive'", {"license": "(Apache-2.0 OR GPL-2.0-only) AND BSD-3-Clause"}, ALLOW),
        ("allow.license = 'permissive'", {"license": "MIT OR"}, NEEDS_APPROVAL),
        ("allow.license = 'permissive'", {"license": "mit"}, ALLOW),
        ("warn.license = 'copyleft'", {"license": None}, WARN),
        ("needs-approval.license = 'copyleft'", {"license": "AGPL-3.0-only"}, NEEDS_APPROVAL),
        ("require.license = 'MIT'", {}, DENY),
        ("deny.source = ['hf', 'kaggle']", {}, DENY),
        ("allow.source = 'pkg'", {}, NEEDS_APPROVAL),
        ("deny.author = 'GOOGLE'", {}, DENY),
        ("allow.author = 'goo*'", {}, ALLOW),
        ("deny.author = 'google'", {"base_model": "hf:google/other"}, DENY),
        ("deny.id = 'hf:google/*'", {}, DENY),
        ("deny.id = 'hf:bad/*'", {"base_model": "hf:bad/llm"}, DENY),
        ("deny.id = 'hf:bad/*'", {"tags": ("base_model:merge:good/a", "base_model:merge:bad/b")}, DENY),
        ("deny.base = 'hf:bad/*'", {"base_model": "hf:bad/llm"}, DENY),
        ("allow.base = 'hf:good/*'", {"base_model": "hf:good/llm"}, ALLOW),
        ("deny.tags = 'vision'", {}, DENY),
        ("allow.tags = 'Vision'", {}, ALLOW),
        ("deny.domain = 'vision'", {}, DENY),
        ("deny.architecture = 'vit'", {}, DENY),
        ("deny.architecture = 'vit'", {"architecture": None}, NEEDS_APPROVAL),
        ("deny.parameters = '>50M'", {}, DENY),
        ("deny.parameters = '>86M'", {}, ALLOW),
        ("allow.parameters = '<=86M'", {}, ALLOW),
        ("warn.parameters = '>=86M'", {}, WARN),
        ("deny.size = '>1GB'", {}, ALLOW),
        ("deny.memory = '>10MB'", {}, DENY),
        ("deny.memory = '>10MB'", {"parameters": None}, NEEDS_APPROVAL),
        ("deny.released = '<2022'", {}, DENY),
        ("deny.released = '<2021-06'", {}, ALLOW),
        ("deny.released = '<2021-06'", {"released": "2021"}, NEEDS_APPROVAL),
        ("require.weights = 'safetensors'", {}, ALLOW),
        ("require.weights = 'safetensors'", {"files": (ModelFile("pytorch_model.bin", 5),)}, DENY),
        ("require.weights = 'safetensors'", {"files": (), "loader": {}}, NEEDS_APPROVAL),
        ("require.pinned = true", {}, ALLOW),
        ("require.pinned = true", {"revision": "main"}, DENY),
        ("require.pinned = true", {"revision": COMMIT[:8]}, DENY),
        ("require.pinned = true", {"revision": None}, NEEDS_APPROVAL),
        ("require.hashes = true", {}, ALLOW),
        ("require.hashes = true", {"files": (ModelFile("model.safetensors", 5),)}, DENY),
        ("deny.remote-code = true", {}, ALLOW),
        ("deny.remote-code = true", {"loader": {"remote_code": True}}, DENY),
        ("require.scan = 'clean'", {}, ALLOW),
        ("require.scan = 'clean'", {"files": (ModelFile("pytorch_model.bin", 5),)}, NEEDS_APPROVAL),
        ("require.signature = { identity = 'a@b' }", {}, NEEDS_APPROVAL),
    ],
)
def test_conditions(line: str, changes: dict[str, object], expected: Verdict) -> None:
    found = policy(rule(line))
    card = known_card(**changes)
    assert verdict(found, card) == expected
    assert all("\n" not in one.sentence for one in reasons(found, card))


@pytest.mark.parametrize("unknown", ["warn", "needs-approval", "deny"])
def test_an_unknown_fact_has_the_verdict_of_the_policy(unknown: str) -> None:
    found = policy(rule("deny.license = 'non-commercial'"), unknown)
    assert str(verdict(found, BARE)) == unknown


def test_rules_apply_to_their_actions_and_to_those_that_include_them() -> None:
    found = policy(rule("deny.source = 'hf'", on="['pull']") + rule("deny.source = 'pkg'", id="b", on="['tune']"))
    assert verdict(found, known_card(), "predict") == DENY
    assert verdict(found, known_card("pkg:vit"), "tune") == DENY
    assert verdict(found, known_card("pkg:vit"), "predict") == ALLOW
    signature = policy(rule("require.signature = { identity = 'a', for = ['serve'] }"))
    assert verdict(signature, known_card(), "serve") == NEEDS_APPROVAL
    assert verdict(signature, known_card(), "tune") == ALLOW


def test_an_exception_ends_with_its_day_and_is_for_one_rule() -> None:
    exception = "exceptions = [{ id = 'hf:google/ViT', until = 2027-03-31 }]"
    found = policy(rule("deny.source = 'hf'", exception))
    assert verdict(found, known_card(), use=Use(today=date(2027, 3, 31))) == ALLOW
    assert verdict(found, known_card(), use=Use(today=date(2027, 4, 1))) == DENY
    assert verdict(found, known_card("hf:google/vit-2"), use=Use(today=date(2027, 3, 31))) == DENY
    other = policy(rule("deny.source = 'hf'", exception) + rule("deny.domain = 'vision'", id="b"))
    assert verdict(other, known_card(), use=Use(today=date(2027, 3, 31))) == DENY


def test_a_reason_names_rule_line_and_facts() -> None:
    found = policy("\n" + rule("deny.license = ['non-commercial']", "message = 'Ask legal.'", id="licences"))
    (reason,) = reasons(found, known_card(license="CC-BY-NC-4.0"))
    assert (reason.rule, reason.place, reason.hint) == ("licences", "zoo-policy.toml:7", "Ask legal.")
    assert reason.sentence == "its licence is CC-BY-NC-4.0 (deny non-commercial)"


def test_licences_of_base_models_are_denied_too() -> None:
    base = known_card("hf:a/base", license="CC-BY-NC-4.0")
    found = policy(rule("deny.license = 'non-commercial'"))
    assert verdict(found, known_card("hf:b/tuned", license="MIT"), use=Use(bases=(base,))) == DENY


def test_a_base_policy_cannot_be_softened() -> None:
    base = document((HEAD + rule("deny.source = 'hf'")).encode(), "base.toml")
    own = document(
        (HEAD + rule("allow.source = 'hf'", "exceptions = [{ id = 'hf:google/vit', until = 2099-01-01 }]")).encode(),
        "zoo-policy.toml",
    )
    found = CompiledPolicy((own, base))
    assert verdict(found, known_card()) == DENY
    assert reasons(found, known_card())[0].place == "base.toml:5"


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [(">2B", 2_000_000_001, True), ("<= 24GB", 24_000_000_000, True), ("<1GiB", 1 << 30, False), (">=1", 0, False)],
)
def test_comparisons(text: str, value: int, expected: bool) -> None:
    found = comparison(text, "number")
    assert found is not None
    assert found.holds(value) is expected


@given(st.sampled_from(["<", "<=", ">", ">="]), st.dates(), st.dates(), st.sampled_from([4, 7, 10]))
def test_a_coarse_date_is_decided_only_where_every_day_of_it_agrees(
    operator: str, day: date, bound: date, length: int
) -> None:
    text = bound.isoformat()
    exact = comparison(f"{operator}{text}", "date")
    assert exact is not None
    days = {exact.holds(day.isoformat())}
    found = exact.holds(day.isoformat()[:length])
    assert found in {None, *days}


# What holds of every policy.

_LINES = st.sampled_from(
    [
        "deny.license = ['non-commercial', 'GPL-*']",
        "allow.license = ['permissive']",
        "warn.license = ['copyleft']",
        "require.license = ['MIT']",
        "deny.source = ['hf']",
        "allow.source = ['hf', 'pkg']",
        "deny.id = ['hf:bad/*', 'kaggle:*']",
        "allow.id = ['hf:good/*']",
        "deny.author = ['bad']",
        "needs-approval.author = ['g*']",
        "deny.base = ['hf:bad/*']",
        "deny.tags = ['nsfw']",
        "deny.parameters = '>2B'",
        "warn.size = '>1GB'",
        "deny.memory = '>24GB'",
        "deny.released = '<2020-02'",
        "require.weights = ['safetensors']",
        "require.pinned = true",
        "require.hashes = true",
        "deny.remote-code = true",
        "require.scan = 'clean'",
        "require.signature = { identity = 'a', for = ['serve', 'pull'] }",
        "deny.domain = ['vision']",
        "deny.architecture = ['vit*']",
    ]
)
_RULES = st.lists(st.tuples(_LINES, st.sampled_from(["", "['pull']", "['tune', 'serve']"])), max_size=6)
_CARDS = st.builds(
    ModelCard,
    id=st.sampled_from(["hf:bad/m", "hf:good/m", "hf:m", "pkg:m", "kaggle:a/b/c", "file:/m", "hf:b\u0430d/m"]),
    domain=st.sampled_from(["vision", "language", "other"]),
    tasks=st.sampled_from([(), ("image-classification",)]),
    architecture=st.sampled_from([None, "", "ViT", "BERT"]),
    license=st.sampled_from([None, "", "MIT", "other", "CC-BY-NC-4.0", "MIT OR GPL-2.0-only", "MIT AND (", "\u0130"]),
    parameters=st.sampled_from([None, 0, 10**6, 10**11]),
    bytes=st.sampled_from([None, 0, 10**12]),
    released=st.sampled_from([None, "", "2020", "2020-02-30", "2020-02", "2021-01-01", "soon"]),
    base_model=st.sampled_from([None, "hf:bad/m", "hf:good/m", "nonsense"]),
    revision=st.sampled_from([None, "main", COMMIT]),
    tags=st.sampled_from([(), ("nsfw",), ("base_model:quantized:bad/m",)]),
    files=st.sampled_from([(), (ModelFile("a.bin", 1),), (ModelFile("a.safetensors", 1, "0" * 64),)]),
    loader=st.sampled_from([{}, {"remote_code": True}, {"format": "onnx"}, {"format": 5}]),
)
_ACTIONS = st.sampled_from(ACTIONS)
_USES = st.sampled_from(
    [Use(today=date(2026, 1, 1)), Use(names=("hf:bad/m",)), Use(bases=(ModelCard("hf:bad/m", "other"),))]
)


def _text(rules: list[tuple[str, str]]) -> str:
    return "".join(rule(line, id=f"r{at}", on=on) for at, (line, on) in enumerate(rules))


@settings(max_examples=200)
@given(_RULES, _CARDS, _ACTIONS, _USES, st.sampled_from(["warn", "needs-approval", "deny"]))
def test_it_is_total_and_gives_the_same_twice(rules, card, action, use, unknown) -> None:
    found = policy(_text(rules), unknown)
    first = reasons(found, card, action, use)
    assert first == reasons(policy(_text(rules), unknown), card, action, use)
    assert all(one.sentence and one.verdict > ALLOW for one in first)
    severest = max((one.verdict for one in found.findings(card, action, use)), default=ALLOW)
    assert severest == verdict(found, card, action, use)


@settings(max_examples=200)
@given(_RULES, _CARDS, _ACTIONS, _USES, st.randoms())
def test_the_order_of_rules_does_not_matter(rules, card, action, use, random) -> None:
    texts = [rule(line, id=f"r{at}", on=on) for at, (line, on) in enumerate(rules)]
    first = {(r.rule, r.verdict, r.sentence) for r in reasons(policy("".join(texts)), card, action, use)}
    random.shuffle(texts)
    assert first == {(r.rule, r.verdict, r.sentence) for r in reasons(policy("".join(texts)), card, action, use)}


@settings(max_examples=200)
@given(_RULES, _LINES.filter(lambda line: line.startswith("deny")), _CARDS, _ACTIONS, _USES)
def test_adding_a_deny_never_allows(rules, line, card, action, use) -> None:
    before = verdict(policy(_text(rules)), card, action, use)
    assert verdict(policy(_text(rules) + rule(line, id="more")), card, action, use) >= before


@settings(max_examples=100)
@given(_RULES, _CARDS, _ACTIONS)
def test_knowing_less_never_allows_what_was_denied_for_it(rules, card, action) -> None:
    """A card without its facts is at least a warning for every rule that looks at them."""
    less = replace(card, license=None, parameters=None, released=None, architecture=None)
    lines = [line for line, _ in rules if any(f".{fact} " in line for fact in ("license", "parameters", "released"))]
    found = policy("".join(rule(line, id=f"r{at}") for at, line in enumerate(lines)))
    assert (verdict(found, less, action) > ALLOW) == bool(lines)


def test_each_condition_is_compiled_once_for_all_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Condition] = []

    class Counted(evaluating.Check):
        def __init__(self, condition: Condition, unknown: Verdict) -> None:
            made.append(condition)
            super().__init__(condition, unknown)

    monkeypatch.setattr(evaluating, "Check", Counted)
    found = policy("".join(rule(f"deny.id = 'hf:a/{n}'", id=f"r{n}") for n in range(30)))
    assert made == []
    for action in ("pull", "tune", "pull", "serve"):
        assert verdict(found, known_card("hf:a/7"), action) is Verdict.DENY
    assert len(made) == 30


def test_patterns_remember_a_limited_number_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "MOST_KNOWN", 3)
    matches = ids.patterns(["a*", "b"])
    for _ in range(2):
        assert [matches(text) for text in ("a", "ab", "b", "c", "bb", "a")] == [True, True, True, False, False, True]
