"""Which policies are in force, how they extend others, and that nothing unreadable opens the gate."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest
from policies import DENY_ALL, HEAD, known_card, rule, write

import zoo.config
from zoo.contract.deciding import Use, Verdict
from zoo.errors import InvalidInput, NetworkUnavailable, PolicyError, PolicyNotice, PolicyRefusal
from zoo.plugins import deciding
from zoo.sources.files import http_files
from zoo.team.policy import in_force, loading

BASE = HEAD + rule("deny.license = 'non-commercial'", id="base")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own, without a policy."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("ZOO_POLICY", raising=False)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(deciding, "_warned", set())
    return folder


def verdict(action: str = "pull", **changes: object) -> Verdict:
    return deciding.decide(known_card(**changes), action).verdict


def sentence() -> str:
    return deciding.decide(known_card(), "pull").reasons[0].sentence


def test_without_a_policy_everything_is_allowed() -> None:
    assert not deciding.active()
    assert verdict() == Verdict.ALLOW
    deciding.permit(known_card(), "pull")


def test_a_policy_applies_to_its_folder_and_those_below(project, monkeypatch) -> None:
    write(project, DENY_ALL)
    below = project / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert verdict() == Verdict.DENY
    assert deciding.decide(known_card(), "pull").reasons[0].place == f"{project}/zoo-policy.toml:5"
    monkeypatch.chdir(project.parent)
    assert verdict() == Verdict.ALLOW


def test_a_policy_further_down_does_not_soften_one_above(project, monkeypatch) -> None:
    write(project, DENY_ALL)
    write(project / "below", HEAD + rule("allow.source = 'hf'"))
    monkeypatch.chdir(project / "below")
    assert len(in_force()) == 2
    assert verdict() == Verdict.DENY


def test_leaving_the_directory_of_the_process_ends_no_policy(project, monkeypatch) -> None:
    write(project, DENY_ALL)
    monkeypatch.setattr(zoo.config, "_STARTED_IN", str(project))
    monkeypatch.chdir("/")
    assert verdict() == Verdict.DENY


def test_a_deleted_working_directory_ends_no_policy(project, monkeypatch) -> None:
    write(project, DENY_ALL)
    monkeypatch.setattr(zoo.config, "_STARTED_IN", str(project))
    gone = project / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "its source is hf" in sentence()
    os.chdir(project)


def test_the_environment_names_another_policy(project, tmp_path, monkeypatch) -> None:
    write(tmp_path, DENY_ALL, "team.toml")
    monkeypatch.setenv("ZOO_POLICY", str(tmp_path / "team.toml"))
    assert verdict() == Verdict.DENY
    monkeypatch.setenv("ZOO_POLICY", "  ")
    assert verdict() == Verdict.ALLOW


@pytest.mark.parametrize("value", ["missing.toml", "/dev/null", "/dev/zero", ".", "~no-such-user/x"])
def test_a_named_policy_that_is_none_denies(value, monkeypatch) -> None:
    monkeypatch.setenv("ZOO_POLICY", value)
    assert deciding.active()
    assert verdict() == Verdict.DENY
    with pytest.raises(PolicyError):
        in_force()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no 'policy-version'"),
        ("[[", "is not TOML"),
        (HEAD + "rulez = 1", "has no key 'rulez'"),
        ("\0", "is not TOML"),
    ],
)
def test_a_file_that_cannot_be_read_denies_every_action(project, text, why) -> None:
    write(project, text)
    assert why in sentence()
    for action in ("search", "recommend", "pull", "load", "tune", "serve"):
        assert verdict(action) == Verdict.DENY
    with pytest.raises(PolicyRefusal, match="the policy cannot be used"):
        deciding.permit(known_card(), "pull")


def test_a_link_to_nothing_denies(project) -> None:
    (project / "zoo-policy.toml").symlink_to(project / "gone.toml")
    assert verdict() == Verdict.DENY


def test_a_changed_file_is_read_again(project) -> None:
    write(project, HEAD + rule("allow.source = 'hf'"))
    assert verdict() == Verdict.ALLOW
    write(project, DENY_ALL)
    assert verdict() == Verdict.DENY
    (project / "zoo-policy.toml").unlink()
    assert verdict() == Verdict.ALLOW


def test_extending_a_file(project, tmp_path) -> None:
    digest = write(tmp_path, BASE, "base.toml")
    write(project, HEAD.rstrip() + f'\nextends = "../base.toml#sha256={digest}"\n' + rule("deny.domain = 'audio'"))
    (policy,) = in_force()
    assert [document.place for document in policy.documents] == ["zoo-policy.toml", "base.toml"]
    assert verdict(license="CC-BY-NC-4.0") == Verdict.DENY
    assert verdict() == Verdict.ALLOW

    write(tmp_path, BASE + "# changed\n", "base.toml")
    assert "with the SHA-256" in sentence()
    assert verdict() == Verdict.DENY


def test_a_base_that_extends_another_is_refused(project, tmp_path) -> None:
    first = write(tmp_path, BASE, "first.toml")
    second = write(tmp_path, HEAD + f'extends = "first.toml#sha256={first}"\n', "second.toml")
    write(project, HEAD + f'extends = "../second.toml#sha256={second}"\n')
    assert "one level is allowed" in sentence()


def test_extending_an_address_keeps_a_copy_for_offline_use(project, tmp_path, monkeypatch) -> None:
    digest = write(tmp_path, BASE, "served.toml")
    write(project, HEAD + f'extends = "https://git.acme.example/base.toml#sha256={digest}"\n')
    asked = []

    def read_text(url: str, what: str) -> str:
        asked.append(url)
        if len(asked) > 1:
            raise NetworkUnavailable(f"{what} cannot be reached.")
        return BASE

    monkeypatch.setattr(http_files, "read_text", read_text)
    assert verdict(license="CC-BY-NC-4.0") == Verdict.DENY
    monkeypatch.setattr(loading, "_compiled", {})
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert verdict(license="CC-BY-NC-4.0") == Verdict.DENY
    assert verdict() == Verdict.ALLOW
    assert asked == ["https://git.acme.example/base.toml"]

    (kept,) = (tmp_path / "home" / "policies").iterdir()
    kept.write_text(BASE.replace("deny", "warn"))
    monkeypatch.setattr(loading, "_compiled", {})
    assert "zoo is offline" in sentence()
    monkeypatch.delenv("ZOO_OFFLINE")
    monkeypatch.setattr(loading, "_compiled", {})
    assert "cannot be reached" in sentence()
    assert verdict() == Verdict.DENY


def test_an_address_with_other_content_is_refused(project, monkeypatch) -> None:
    monkeypatch.setattr(http_files, "read_text", lambda url, what: BASE)
    write(project, HEAD + f'extends = "https://user:secret@git.acme.example/base.toml#sha256={"0" * 64}"\n')
    assert "with the SHA-256 000000000000" in sentence()
    assert "secret" not in str(deciding.decide(known_card(), "pull"))


def test_a_warning_is_issued_once_in_a_process(project) -> None:
    write(project, HEAD + rule("warn.source = 'hf'", id="careful"))
    with pytest.warns(PolicyNotice, match=r"warns of the action 'pull' on 'hf:google/vit'.*rule 'careful'"):
        deciding.permit(known_card(), "pull")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        deciding.permit(known_card(), "pull")


def test_a_refusal_names_model_action_rule_place_and_reason(project) -> None:
    write(project, HEAD + rule("deny.license = 'permissive'", id="licences"))
    with pytest.raises(PolicyRefusal) as error:
        deciding.permit(known_card(), "tune")
    assert str(error.value) == (
        "The policy denies the action 'tune' on 'hf:google/vit': its licence is Apache-2.0 (deny permissive) (rule "
        "'licences', zoo-policy.toml:5). Run: zoo policy explain hf:google/vit --action tune"
    )
    write(project, HEAD + rule("allow.license = 'MIT'", "message = 'Ask legal.'", id="licences"))
    with pytest.raises(PolicyRefusal, match=r"requires approval for the action 'tune'.*Ask legal\."):
        deciding.permit(known_card(), "tune")


def test_an_unknown_action_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="Did you mean tune"):
        deciding.decide(known_card(), "tunee", Use())


RAISING = """
from zoo import hookimpl

@hookimpl
def zoo_decide(card, action, context):
    %s
"""


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise RuntimeError('no database')", "the plugin 'strict' could not decide: RuntimeError: no database"),
        ("raise SystemExit(0)", "the plugin 'strict' could not decide: SystemExit: 0"),
        ("return 'allow'", "the plugin 'strict' returned a str instead of a Decision"),
        ("return True", "the plugin 'strict' returned a bool instead of a Decision"),
    ],
)
@pytest.mark.filterwarnings("ignore::zoo.errors.PluginWarning")
def test_a_plugin_that_fails_denies(install, body, why) -> None:
    install("strict", RAISING % body)
    assert deciding.active()
    assert verdict() == Verdict.DENY
    assert sentence() == why
    with pytest.raises(PolicyRefusal, match="plugin:strict"):
        deciding.permit(known_card(), "pull")


def test_a_plugin_cannot_soften_a_policy(install, project) -> None:
    write(project, DENY_ALL)
    install("lax", RAISING % "from zoo.contract.deciding import Decision; return Decision()")
    assert verdict() == Verdict.DENY
