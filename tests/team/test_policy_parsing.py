"""Policy files: what they may say, and the one sentence for what they may not."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policies import HEAD, rule

from zoo.contract.deciding import Verdict
from zoo.errors import PolicyError
from zoo.team.policy.parsing import document

EVERYTHING = """\
policy-version = "1"
name = "acme-ml"
extends = "https://git.acme.example/base.toml#sha256=%s"
unknown = "deny"

[[rules]]
id = "licences"
on = ["pull", "tune"]
allow.license = ["permissive"]
deny.license = "non-commercial"
message = "Ask legal@acme.example."
exceptions = [{ id = "hf:laion/clip", until = 2027-03-31, reason = "ML-412" }]

[[rules]]
id = "safety"
require.signature = { identity = "release@acme.example", for = ["serve"] }
deny.remote-code = true
warn.parameters = ">2B"

[[standards]]
task = "text-classification"
slots = ["default", "small"]
owners = ["@ml-text", "cy@acme.example"]
approvals = 2
require.evidence = ["measurement", "run"]
max-age = "180d"
only-standards = true

[[tests]]
model = "hf:google/vit"
action = "pull"
expect = "allow"
facts = { license = "MIT", parameters = "2B" }

[groups]
ml-text = ["ana@acme.example", "bo@acme.example"]
""" % ("AB" * 32)


def read(text: str):
    return document(text.encode(), "zoo-policy.toml")


def test_everything_that_a_policy_can_say() -> None:
    found = read(EVERYTHING)
    assert (found.name, found.unknown) == ("acme-ml", Verdict.DENY)
    assert (found.extends, found.extends_digest) == ("https://git.acme.example/base.toml", "ab" * 32)
    licences, safety = found.rules
    assert (licences.line, licences.actions, licences.message) == (6, ("pull", "tune"), "Ask legal@acme.example.")
    assert [(c.effect, c.fact, c.values, c.line) for c in licences.conditions] == [
        ("deny", "license", ("non-commercial",), 10),
        ("allow", "license", ("permissive",), 9),
    ]
    assert licences.exceptions[0].until == date(2027, 3, 31)
    assert {c.fact: c.actions for c in safety.conditions}["signature"] == ("serve",)
    (standard,) = found.standards
    assert (standard.approvals, standard.max_age, standard.only_standards) == (2, 180, True)
    assert standard.evidence == ("measurement", "run")
    assert found.members(standard.owners) == ("ana@acme.example", "bo@acme.example", "cy@acme.example")
    (test,) = found.tests
    assert (test.expect, test.facts["license"], test.line) == (Verdict.ALLOW, "MIT", 29)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no 'policy-version'"),
        ("policy-version = 1\nname = 'a'", "has the version 1, and this zoo reads version '1'"),
        ("policy-version = '2'\nname = 'a'", "has the version '2'"),
        ("policy-version = '1'", "has no 'name'"),
        ("name = [", "is not TOML"),
        (HEAD + "rulez = []", "The policy has no key 'rulez'. Did you mean rules?"),
        (HEAD + "unknown = 'allow'", "names 'allow', which does not exist"),
        (HEAD + "unknown = 'aprove'", "names 'aprove'"),
        (HEAD + "extends = 'base.toml'", "without its digest"),
        (HEAD + f"extends = 'http://a/b#sha256={'a' * 64}'", "must be a path or an https address"),
        (HEAD + "[rules]\nid = 'a'", "must be a list of tables"),
        (HEAD + "[[rules]]\nid = 'a'", "zoo-policy.toml:3: The rule 'a' has no effect"),
        (HEAD + "[[rules]]\nid = 'a b'\ndeny.source = 'x'", "letters, digits"),
        (HEAD + "[[rules]]\nid = 'a'\ndney.source = 'x'", "has no key 'dney'. Did you mean deny"),
        (HEAD + rule("deny.licence = ['MIT']"), "names the fact 'licence', which does not exist. Did you mean license"),
        (HEAD + rule("deny.license = []"), "not empty"),
        (HEAD + rule("deny.license = [1]"), "text"),
        (HEAD + rule("deny.license = 'MIT'", on="['pul']"), "names 'pul', which does not exist. Did you mean pull"),
        (HEAD + rule("deny.parameters = '2B'"), "must be one comparison"),
        (HEAD + rule("deny.parameters = '>lots'"), "must be one comparison"),
        (HEAD + rule("deny.released = '<2023-13'"), "must be one comparison"),
        (HEAD + rule("deny.pinned = 'yes'"), "must be true or false"),
        (HEAD + rule("deny.id = ['deepseek-ai/*']"), "names no source. Write: hf:deepseek-ai/*"),
        (HEAD + rule("deny.id = ['hf:a/b@main']"), "with a revision"),
        (HEAD + rule("deny.signature = { identity = 'a' }"), "signatures can only be required"),
        (HEAD + rule("deny.id = 'hf:a/b'") + rule("deny.id = 'hf:a/b'"), "another rule 'a' in line 3"),
        (HEAD + rule("deny.id = 'hf:a/*'", "exceptions = [{ id = 'hf:a/*', until = 2027-01-01 }]"), "is for one model"),
        (HEAD + rule("deny.id = 'hf:a/*'", "exceptions = [{ id = 'hf:a/b' }]"), "has no 'until'"),
        (HEAD + rule("deny.id = 'hf:a/*'", "exceptions = [{ id = 'hf:a/b', until = 2027 }]"), "must be a date"),
        (HEAD + "[[standards]]\ntask = 'a'\nowners = ['@b']", "names the group '@b', which does not exist"),
        (HEAD + "[[standards]]\ntask = 'a'\nowners = ['b']\nmax-age = '6 months'", "must be a number of days"),
        (HEAD + "[[standards]]\ntask = 'a'\nowners = ['b']\napprovals = 0", "at least 1"),
        (HEAD + "[[tests]]\nmodel = 'hf:a/b'\naction = 'pull'\nexpect = 'ok'", "names 'ok'"),
        (HEAD + "x = " + "[" * 5000, "is n"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_the_place(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as error:
        read(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert "zoo-policy.toml" in str(error.value)


def test_bytes_that_are_not_text_are_an_error() -> None:
    with pytest.raises(PolicyError, match="not UTF-8"):
        document(b"\xff\xfe", "p.toml")
    with pytest.raises(PolicyError, match="larger than"):
        document(b"#" * (2 << 20), "p.toml")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_a_policy_error(content: bytes) -> None:
    with pytest.raises(PolicyError):
        document(content, "p.toml")


_VALUES = st.recursive(
    st.sampled_from(["true", "1", "-1.5", "2027-01-01", '"x"', '"hf:a/b"', '">2B"', "[]", "{}"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    ["id", "on", "message", "exceptions", "deny.license", "allow.id", "require.signature", "warn.size", "deny", "x.y"]
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=4), st.sampled_from(["rules", "standards", "tests", "groups"]))
def test_any_values_are_a_policy_or_a_policy_error(values: dict[str, str], table: str) -> None:
    header = f"[{table}]" if table == "groups" else f"[[{table}]]"
    text = "\n".join([HEAD, header, *(f"{key} = {value}" for key, value in values.items())])
    with contextlib.suppress(PolicyError):
        assert read(text).name == "acme-ml"


def test_lines_are_found_in_other_spellings() -> None:
    found = read(
        HEAD + "\n[[ rules ]]\nid = 'a'\ndeny . source = 'x'\n\n[['rules']]\nid = 'b'\ndeny = {source = 'y'}\n"
    )
    assert [(one.line, one.conditions[0].line) for one in found.rules] == [(4, 6), (8, 8)]
    inline = read(HEAD + "rules = [{ id = 'a', deny.source = 'x' }]")
    assert inline.rules[0].line == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('# acme\npolicy-version = "2"\nname = "a"\n', 2),
        ('policy-version = "1"\nname = 3\n', 2),
        ('policy-version = "1"\nname = "a"\n\nunknown = "maybe"\n', 4),
        ('policy-version = "1"\nname = "a"\nextends = "b.toml"\n', 3),
        ('policy-version = "1"\nname = "a"\n"rulez" = 1\n', 3),
        ('policy-version = "1"\nname = "a"\n\n[[rulez]]\nid = "x"\n', 4),
        ('policy-version = "1"\nname = "a"\n\n[groups]\nml = 3\n', 4),
        ('policy-version = "1"\n', 1),
    ],
)
def test_errors_of_top_level_keys_name_their_line(text: str, line: int) -> None:
    with pytest.raises(PolicyError, match=rf"^p\.toml:{line}: "):
        document(text.encode(), "p.toml")


def test_line_endings_make_no_other_policy() -> None:
    text = f"{HEAD}\n"
    unix, windows = (document(text.replace("\n", end).encode(), "p.toml") for end in ("\n", "\r\n"))
    assert unix.digest == windows.digest
    assert document(f"{text}# reviewed\n".encode(), "p.toml").digest != unix.digest


def test_a_number_of_thousands_of_digits_is_one_sentence() -> None:
    with pytest.raises(PolicyError, match=r"p\.toml has a value that cannot be read"):
        document(f"policy-version = {'9' * 5000}\n".encode(), "p.toml")
