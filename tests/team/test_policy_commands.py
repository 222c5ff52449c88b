"""``zoo policy`` as a user types it: init, show, check, test, explain, export."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import commands
import pytest
from policies import DENY_ALL, HEAD, known_card, rule, write

from zoo.contract.deciding import Use
from zoo.team.policy.exporting import exported

MODEL = "pkg:wordllama/64"


class Project:
    """A folder to work in."""

    def __init__(self, path: Path) -> None:
        self.path = path / "acme"
        self.path.mkdir()
        self.home = path / "home"

    def zoo(self, *arguments: str, code: int = 0) -> str:
        result = commands.zoo("policy", *arguments, home=self.home, folder=self.path)
        assert result.returncode == code, result.stderr + result.stdout
        return result.stdout + result.stderr

    def json(self, *arguments: str, code: int = 0) -> dict:
        return json.loads(self.zoo(*arguments, "--json", code=code))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_new_policy_is_valid_and_passes_its_own_tests(project) -> None:
    assert project.zoo("init") == "Created zoo-policy.toml. Next: zoo policy check\n"
    assert project.zoo("check") == "zoo-policy.toml: valid, 2 rules and 2 tests.\n"
    assert project.zoo("test") == "2 of 2 tests passed.\n"
    assert 'name = "acme"' in (project.path / "zoo-policy.toml").read_text()
    assert "exists already" in project.zoo("init", code=1)
    assert "ZOO_POLICY=other.toml" in project.zoo("init", "other.toml")
    assert "There is no folder" in project.zoo("init", "a/b.toml", code=1)


def test_without_a_policy_each_command_says_how_to_get_one(project) -> None:
    for command in (("show",), ("check",), ("test",), ("explain", MODEL)):
        assert "No policy is in force here. Write one: zoo policy init" in project.zoo(*command)


def test_show_lists_rules_with_their_lines(project) -> None:
    digest = write(project.path.parent, DENY_ALL, "base.toml")
    exception = "exceptions = [{ id = 'hf:a/b', until = 2099-01-01, reason = 'ML-1' }]"
    write(
        project.path,
        HEAD
        + f'extends = "../base.toml#sha256={digest}"\n'
        + rule("deny.remote-code = true", exception, on="['tune']"),
    )
    shown = project.zoo("show")
    assert re.search(r"zoo-policy.toml: acme-ml, sha256 \w{12}, extends ../base.toml", shown)
    assert re.search(r"a +tune +deny.remote-code +true +7", shown)
    assert re.search(r"nothing +all +deny.source +\* +5", shown)
    assert "Exception of a: hf:a/b until 2099-01-01 (ML-1)" in shown
    first, second = project.json("show")["policies"]
    assert first["rules"][0]["exceptions"] == [{"id": "hf:a/b", "until": "2099-01-01", "reason": "ML-1"}]
    assert (second["file"], second["sha256"]) == ("base.toml", digest)


def test_check_reports_what_is_out_of_date(project) -> None:
    soon = (date.today() + timedelta(days=9)).isoformat()
    exceptions = f"exceptions = [{{ id = 'hf:a/b', until = 2020-01-01 }}, {{ id = 'hf:a/c', until = {soon} }}]"
    write(project.path, HEAD + rule("allow.license = ['permisive', 'MIT', 'GPL-2.0', 'BSD-*']", exceptions))
    shown = project.zoo("check")
    assert "zoo-policy.toml:3: the exception of the rule 'a' for hf:a/b ended on 2020-01-01 and has no effect." in shown
    assert f"for hf:a/c ends on {soon}." in shown
    assert "zoo-policy.toml:5: the rule 'a' names the licence 'permisive'" in shown
    assert "Did you mean permissive?" in shown
    assert len(project.json("check")["remarks"]) == 3


def test_check_fails_for_a_file_that_is_not_valid(project) -> None:
    write(project.path, HEAD + "[[rules]]\nid = 'a'\ndeny.licence = 'MIT'\n")
    assert "Did you mean license?" in project.zoo("check", code=1)
    assert "cannot be read" in project.zoo("check", "missing.toml", code=1)
    assert '"type": "PolicyError"' in project.zoo("check", "--json", code=1)


def test_tests_take_stated_facts_or_the_registry(project) -> None:
    tests = "".join(
        f"[[tests]]\nmodel = '{model}'\naction = 'pull'\nexpect = '{expect}'\n{facts}"
        for model, expect, facts in (
            ("hf:a/b", "deny", "facts = { license = 'GPL-3.0-only', parameters = '2B', tags = 'a, b' }\n"),
            (MODEL, "allow", ""),
            ("hf:a/b@main", "allow", "facts = { license = 'GPL-3.0-only' }\n"),
        )
    )
    write(project.path, HEAD + rule("deny.license = 'copyleft'") + tests)
    shown = project.zoo("test", code=1)
    assert (
        "zoo-policy.toml:15: pull of hf:a/b@main is deny, expected allow: its licence is GPL-3.0-only (deny copyleft) "
        "(rule 'a', zoo-policy.toml:5)" in shown
    )
    assert "2 of 3 tests passed." in shown
    assert [one["passed"] for one in project.json("test", code=1)["tests"]] == [True, True, False]


def test_explain_shows_every_rule_by_severity(project) -> None:
    write(
        project.path,
        HEAD
        + rule("allow.license = 'permissive'", id="licences")
        + rule("warn.parameters = '>1M'", id="size")
        + rule("deny.source = 'pkg'", id="late", on="['tune']"),
    )
    shown = project.zoo("explain", MODEL)
    lines = [line.split()[:3] for line in shown.splitlines()[3:]]
    assert lines == [["warn", "size", "warn.parameters"], ["allow", "licences", "allow.license"]]
    assert "its licence is MIT" in shown
    found = project.json("explain", MODEL, "--action", "tune")
    assert (found["verdict"], found["findings"][0]["rule"]) == ("deny", "late")
    assert found["facts"]["license"] == "MIT"


def test_explain_shows_exceptions(project) -> None:
    exception = f"exceptions = [{{ id = '{MODEL}', until = 2099-01-01 }}]"
    write(project.path, HEAD + rule("deny.source = 'pkg'", exception))
    assert "excepted until 2099-01-01" in project.zoo("explain", MODEL)
    assert project.json("explain", MODEL)["verdict"] == "allow"


def test_export_prints_the_facts(project) -> None:
    opa = json.loads(project.zoo("export", MODEL))
    assert (opa["action"], opa["facts"]["license"], opa["facts"]["signature"]) == ("pull", "MIT", None)
    cedar = json.loads(project.zoo("export", MODEL, "--action", "tune", "--format", "cedar"))
    assert cedar["resource"] == f'Model::"{MODEL}"'
    assert cedar["action"] == 'Action::"tune"'
    assert cedar["context"]["remote_code"] is False
    assert "signature" in cedar["context"]["unknown"]


def test_a_cedar_request_has_no_null() -> None:
    found = exported(known_card(license=None), "pull", Use(), "cedar")
    assert None not in found["context"].values()
    assert "license" in found["context"]["unknown"]


def test_check_reports_names_that_mean_nothing_here(project) -> None:
    write(
        project.path,
        HEAD
        + rule("deny.source = ['hff', 'hf', 'std']", "allow.domain = ['visio', '*']", "warn.architecture = 'vitt'")
        + '[[standards]]\ntask = "vison/*"\n[[standards]]\ntask = "vision/*"\n',
    )
    shown = project.zoo("check")
    assert "zoo-policy.toml:5: the rule 'a' names the source 'hff', which is not known here. Did you mean hf?" in shown
    assert "names the domain 'visio', which is not known here. Did you mean vision?" in shown
    assert "names the architecture 'vitt', which is not known here. Did you mean vit?" in shown
    assert "zoo-policy.toml:8: the standard 'vison/*' covers no task. Did you mean vision/*" in shown
    assert shown.count("not known here") == 3
    assert shown.endswith("zoo-policy.toml: valid, 1 rule and 2 standards.\n")


def test_an_exception_that_has_ended_is_mentioned(project) -> None:
    ended = f"exceptions = [{{ id = '{MODEL}', until = 2020-01-01 }}]"
    write(project.path, HEAD + rule("deny.id = 'pkg:wordllama/*'", ended))
    assert "its exception ended on 2020-01-01" in project.zoo("explain", MODEL)
    refused = commands.zoo("pull", MODEL, home=project.home, folder=project.path)
    assert "(deny pkg:wordllama/*); its exception ended on 2020-01-01 (rule 'a'" in refused.stderr


def test_a_refusal_names_three_values_of_a_long_list(project) -> None:
    names = ", ".join(f"'pkg:a{n}/*'" for n in range(8))
    write(project.path, HEAD + rule(f"deny.id = ['pkg:wordllama/*', {names}]"))
    refused = commands.zoo("pull", MODEL, home=project.home, folder=project.path)
    assert "(deny pkg:wordllama/*, pkg:a0/*, pkg:a1/* and 6 more)" in refused.stderr


def test_a_refusal_comes_before_the_plan(project) -> None:
    write(project.path, DENY_ALL)
    refused = commands.zoo("tune", MODEL, "lines.csv", "-o", "tuned", home=project.home, folder=project.path)
    assert "denies the action 'tune'" in refused.stderr
    assert "Plan:" not in refused.stderr


def test_explain_works_offline_for_a_model_that_is_not_known(project) -> None:
    write(project.path, HEAD + rule("allow.license = 'MIT'"))
    shown = project.zoo("explain", "hf:someone/nothing")
    assert "What is not known here counts as unknown." in shown
    assert "needs-approval" in shown
    assert project.json("explain", "pkg:wordllama/64", "--task", "text-classification")["verdict"] == "allow"
    assert "Did you mean" in project.zoo("explain", MODEL, "--task", "text-clasification", code=1)
