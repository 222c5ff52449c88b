"""Ways around a policy that denies a model: none of them may work.

``hf:bad/model`` is on a local Hub and in the registry, with its fine-tune, its quantisation, its adapter, and a merge. The policy denies
``hf:bad/*``, and each case reaches for the model, its weights or its derivatives in another way.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import commands
import pytest
from policies import HEAD, rule, write

import zoo
import zoo.config
from zoo.config import configure
from zoo.entities import ModelCard
from zoo.errors import PolicyRefusal, ZooError
from zoo.features import files_of
from zoo.features.metric_models import MetricModel
from zoo.plugins import deciding
from zoo.registry import open_registry, opening
from zoo.sources import resolve
from zoo.sources.permitting import about
from zoo.team.policy import loading

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sources"))

from hub_server import HubServer, publish_tiny

POLICY = HEAD + rule("deny.id = ['hf:bad/*']", id="no-bad")
GOOD = "hf:good/model"


class World:
    """A machine with a Hub, a registry and a project under a policy."""

    def __init__(self, hub: HubServer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hub, self.path, self.monkeypatch = hub, path, monkeypatch
        self.project = path / "project"
        for name, base in (
            ("bad/model", None),
            ("good/tuned", {"base_model": "bad/model", "tags": ["base_model:finetune:bad/model"]}),
            ("good/small", {"base_model": "bad/model", "tags": ["gptq", "base_model:quantized:bad/model"]}),
            ("good/adapter", {"base_model": "bad/model", "tags": ["base_model:adapter:bad/model"]}),
            ("good/grandchild", {"base_model": "good/tuned", "tags": []}),
            ("good/merge", {"base_model": ["good/model", "bad/model"], "tags": MERGED}),
            ("good/model", None),
        ):
            self.publish(name, base)

    def publish(self, name: str, base: dict[str, Any] | None = None, seed: str = "") -> None:
        """Put a model on the Hub, with weights of its own."""
        repository = publish_tiny(self.hub)
        del self.hub.repositories["zoo-tests/tiny"]
        card = {"license": "apache-2.0"}
        if base:
            card["base_model"] = base["base_model"]
        repository.info = {**repository.info, "cardData": card, "tags": list(base["tags"] if base else [])}
        weights = bytearray(repository.files["model.safetensors"])
        weights[-4:] = hashlib.sha256((seed or name).encode()).digest()[:4]
        repository.files["model.safetensors"] = bytes(weights)
        self.hub.repositories[name] = repository

    def commit(self, name: str = "bad/model") -> str:
        return self.hub.repositories[name].commit

    def without_policy(self, act: Callable[[], Any]) -> Any:
        """Do something from outside the project."""
        os.chdir(self.path)
        try:
            return act()
        finally:
            os.chdir(self.project)

    def register(self) -> None:
        """Add the Hub's cards to the registry."""
        open_registry().add(
            [self.without_policy(lambda name=name: resolve(f"hf:{name}")) for name in self.hub.repositories]
        )

    def copy(self, name: str = "bad/model", further: dict[str, bytes] | None = None, renamed: str = "") -> str:
        """A folder with the files of a model."""
        folder = self.path / f"copy-of-{name.replace('/', '-')}"
        folder.mkdir()
        for path in ("config.json", "model.safetensors"):
            target = renamed if renamed and path.endswith("safetensors") else path
            (folder / target).write_bytes(self.hub.repositories[name].files[path])
        for path, content in (further or {}).items():
            (folder / path).write_bytes(content)
        return f"file:{folder}"


MERGED = ["base_model:merge:good/model", "base_model:merge:bad/model"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "ZOO_OFFLINE", "ZOO_REGISTRY", "ZOO_POLICY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "zoo"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr(deciding, "_warned", set())
    monkeypatch.setattr(loading, "_compiled", {})
    opening._opened.clear()
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        found = World(server, tmp_path, monkeypatch)
        write(found.project, POLICY)
        monkeypatch.chdir(found.project)
        yield found
    opening._opened.clear()


def pull(id: str) -> Callable[[World], Any]:
    return lambda world: zoo.pull(id)


def at(revision: Callable[[World], str]) -> Callable[[World], Any]:
    return lambda world: zoo.pull(f"hf:bad/model@{revision(world)}")


def branch(world: World) -> Any:
    world.hub.repositories["bad/model"].branches["side"] = world.commit()
    return zoo.pull("hf:bad/model@side")


def tag(world: World) -> Any:
    world.hub.repositories["bad/model"].branches["v1.0"] = world.commit()
    return zoo.pull("hf:bad/model@v1.0")


def alias(world: World) -> Any:
    world.register()
    return zoo.pull("bad/model")


def registered(name: str) -> Callable[[World], Any]:
    def act(world: World) -> Any:
        world.register()
        return zoo.pull(f"hf:{name}")

    return act


def renamed_repository(world: World) -> Any:
    """The Hub answers to a former name with the repository of today."""
    world.hub.repositories["former/name"] = world.hub.repositories["bad/model"]
    world.hub.repositories["former/name"].info["id"] = "bad/model"
    return zoo.pull("hf:former/name")


def renamed_to_harmless(world: World) -> Any:
    """The denied name is now that of another repository."""
    world.hub.repositories["bad/model"].info["id"] = "good/new-name"
    return zoo.pull("hf:bad/model")


def re_registered(world: World) -> Any:
    """The same weights under a new name, which the registry does not know."""
    world.register()
    world.publish("innocent/copy", seed="bad/model")
    return zoo.pull("hf:innocent/copy")


def copied(act: Callable[[str], Any], **changes: Any) -> Callable[[World], Any]:
    def bypass(world: World) -> Any:
        world.register()
        return act(world.copy(**changes))

    return bypass


def linked(world: World) -> Any:
    world.register()
    link = world.path / "innocent"
    link.symlink_to(world.copy().removeprefix("file:"))
    return zoo.pull(f"file:{link}")


def dotted(world: World) -> Any:
    world.register()
    folder = Path(world.copy().removeprefix("file:"))
    return zoo.pull(f"file:{folder.parent}/project/../{folder.name}/.")


def copy_of_a_derivative(world: World) -> Any:
    world.register()
    return zoo.pull(world.copy("good/tuned"))


def stated(path: str, content: str) -> Callable[[World], Any]:
    """A folder of weights that the registry does not know, whose files name the denied model."""

    def act(world: World) -> Any:
        further = {path: content.encode()} if path != "config.json" else {}
        folder = world.copy("good/model", further)
        if path == "config.json":
            place = Path(folder.removeprefix("file:")) / path
            place.write_text(json.dumps({**json.loads(place.read_text()), **json.loads(content)}))
        return zoo.pull(folder)

    return act


def cached(act: Callable[[], Any], **environment: str) -> Callable[[World], Any]:
    """The files are here already, from before the policy."""

    def bypass(world: World) -> Any:
        world.without_policy(lambda: zoo.pull("hf:bad/model"))
        for name, value in environment.items():
            world.monkeypatch.setenv(name, value)
        return act()

    return bypass


def hub_unreachable(world: World) -> Any:
    world.without_policy(lambda: zoo.pull("hf:good/tuned"))
    world.register()
    world.hub.failing = 503
    return zoo.pull("hf:good/tuned")


def mirror(world: World) -> Any:
    with HubServer() as other:
        other.repositories = dict(world.hub.repositories)
        world.monkeypatch.setenv("HF_ENDPOINT", other.url)
        return zoo.pull("hf:bad/model")


def mirror_with_another_name(world: World) -> Any:
    world.register()
    with HubServer() as other:
        other.repositories = {"good/model": world.hub.repositories["bad/model"]}
        world.monkeypatch.setenv("HF_ENDPOINT", other.url)
        return zoo.pull("hf:good/model@main")


def moved_branch(world: World) -> Any:
    """The branch of a harmless model holds the denied weights meanwhile."""
    world.register()
    world.hub.repositories["good/model"].files = dict(world.hub.repositories["bad/model"].files)
    return zoo.pull("hf:good/model@main")


def plugin_platform(world: World) -> Any:
    """A platform of a plugin that refers to the Hub's repository."""
    from zoo.contract.source import HostedModels
    from zoo.sources import known, permitting
    from zoo.sources.hosted_models import HostedSource

    platform = HostedModels("elsewhere", "Elsewhere", "hf", lambda name: "bad/model", lambda name, card: card)
    everything = {**known.sources(), "elsewhere": HostedSource(platform, known.source)}
    for module in (known, permitting, zoo.sources.resolving, zoo.sources.pulling):
        world.monkeypatch.setattr(module, "sources", lambda: everything)
    return zoo.pull("elsewhere:model")


def own_card(world: World) -> Any:
    """A card of another name whose base model is the denied one."""
    return files_of(ModelCard("hf:mine/model", "language", base_model="hf:bad/model"))


def another_spelling_of_a_base(world: World) -> Any:
    return files_of(ModelCard("hf:mine/model", "language", base_model="hf:BAD/Model@main"))


def tuned_folder(world: World) -> Any:
    """A folder that names its base model, as ``zoo tune`` writes it."""
    folder = Path(world.copy("good/model").removeprefix("file:"))
    card = ModelCard("hf:bad/model", "language", license="Apache-2.0")
    (folder / "zoo.json").write_text(json.dumps({"card": card.to_dict()}))
    return zoo.pull(f"file:{folder}")


def base_of_a_tuned_folder(world: World) -> Any:
    """The card of the tuned folder is silent on its base model, which is loaded from the Hub."""
    from zoo.adapt.saved import tuned

    base = ModelCard("hf:bad/model", "language").to_dict()
    document = {"base": {"card": base}, "weights": "head"}
    return tuned._load(ModelCard("file:/x", "language"), world.path, document, "cpu")


def folder_tuned_from_a_copy(world: World) -> Any:
    world.register()
    copy = world.copy()
    folder = Path(world.copy("good/model").removeprefix("file:"))
    card = ModelCard("file:/tuned", "language", base_model=copy)
    (folder / "zoo.json").write_text(json.dumps({"card": card.to_dict()}))
    return zoo.pull(f"file:{folder}")


def metric_model(world: World) -> Any:
    world.monkeypatch.setenv("ZOO_BYPASS_MODEL", "hf:bad/model")
    return MetricModel("bypass_model").load()


def metric_model_by_option(world: World) -> Any:
    configure(bypass_model="hf:bad/model")
    try:
        return MetricModel("bypass_model").load()
    finally:
        configure(bypass_model=None)


def vocoder(world: World) -> Any:
    """A plugin that asks for the files of a further model, as text to speech does for its vocoder."""
    return files_of("hf:bad/model")


def below(world: World) -> Any:
    folder = world.project / "a" / "b"
    folder.mkdir(parents=True)
    os.chdir(folder)
    return zoo.pull("hf:bad/model")


def laxer_policy_below(world: World) -> Any:
    write(world.project / "a", HEAD + rule("allow.id = ['hf:*']"))
    os.chdir(world.project / "a")
    return zoo.pull("hf:bad/model")


def changed_directory(world: World) -> Any:
    world.monkeypatch.setattr(zoo.config, "_STARTED_IN", str(world.project))
    os.chdir("/")
    return zoo.pull("hf:bad/model")


def missing_policy(world: World) -> Any:
    world.monkeypatch.setenv("ZOO_POLICY", str(world.path / "missing.toml"))
    return zoo.pull("hf:bad/model")


def empty_policy(world: World) -> Any:
    world.monkeypatch.setenv("ZOO_POLICY", os.devnull)
    return zoo.pull("hf:bad/model")


def blank_variable(world: World) -> Any:
    world.monkeypatch.setenv("ZOO_POLICY", "  ")
    return zoo.pull("hf:bad/model")


def damaged_policy(world: World) -> Any:
    (world.project / "zoo-policy.toml").write_text(POLICY + "[[", encoding="utf-8")
    return zoo.pull("hf:bad/model")


def exception_of_another(world: World) -> Any:
    exceptions = "exceptions = [{ id = 'hf:good/tuned', until = 2000-01-01 }, { id = 'hf:good/x', until = 2099-01-01 }]"
    write(world.project, HEAD + rule("deny.id = ['hf:bad/*']", exceptions, id="no-bad"))
    return zoo.pull("hf:good/tuned")


def loaded(world: World) -> Any:
    return zoo.load("hf:bad/model")


def tuned_model(world: World) -> Any:
    world.register()
    return zoo.tune(world.copy(), "lines.csv")


def candidate(world: World) -> Any:
    world.register()
    (world.project / "lines.csv").write_text("text,label\n" + "a,x\nb,y\n" * 20)
    return zoo.recommend("lines.csv", candidates=[world.copy()])


def candidate_of_a_search(world: World) -> Any:
    world.register()
    (world.project / "lines.csv").write_text("text,label\n" + "a,x\nb,y\n" * 20)
    return zoo.recommend("lines.csv", candidates="bad", measure=False)


def another_process(world: World) -> Any:
    """A process of its own, with nothing in memory."""
    code = (
        "import zoo, sys\ntry:\n    zoo.pull('hf:bad/model')\nexcept zoo.ZooError as error:\n    sys.exit(str(error))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if result.returncode:
        raise PolicyRefusal(result.stderr)


WAYS: dict[str, Callable[[World], Any]] = {
    "id": pull("hf:bad/model"),
    "name without a source": alias,
    "branch": branch,
    "tag": tag,
    "main": pull("hf:bad/model@main"),
    "commit": at(lambda world: world.commit()),
    "short commit": at(lambda world: world.commit()[:8]),
    "upper-case owner": pull("hf:BAD/model"),
    "upper-case source": pull("HF:bad/model"),
    "another platform name": pull("huggingface:bad/model"),
    "spaces around it": pull("  hf:bad/model  "),
    "Cyrillic letter": pull("hf:b\u0430d/model"),
    "full-width letters": pull("hf:\uff42\uff41\uff44/model"),
    "decomposed letters": pull("hf:ba\u0301d/model"),
    "invisible character": pull("hf:b\u200bad/model"),
    "path tricks": pull("hf:good/../bad/model"),
    "quoted slash": pull("hf:bad%2Fmodel"),
    "fine-tune": pull("hf:good/tuned"),
    "quantisation": pull("hf:good/small"),
    "adapter": pull("hf:good/adapter"),
    "merge": pull("hf:good/merge"),
    "fine-tune of a fine-tune": registered("good/grandchild"),
    "merge, from the registry": registered("good/merge"),
    "former name of the repository": renamed_repository,
    "new name of the repository": renamed_to_harmless,
    "re-uploaded under another name": re_registered,
    "copied folder": copied(zoo.pull),
    "copied folder, loaded": copied(zoo.load),
    "copied folder with further weights": copied(zoo.pull, further={"more.safetensors": b"\x02" + bytes(7) + b"{}"}),
    "copied folder with renamed weights": copied(zoo.pull, renamed="weights.safetensors"),
    "copied folder of a fine-tune": copy_of_a_derivative,
    "link to a copied folder": linked,
    "copied folder by another path": dotted,
    "folder whose model card names it": stated("README.md", "---\nbase_model:\n- good/x\n- bad/model\n---\n# mine\n"),
    "folder whose adapter names it": stated("adapter_config.json", '{"base_model_name_or_path": "bad/model"}'),
    "folder whose configuration names it": stated("config.json", '{"_name_or_path": "bad/model"}'),
    "cached, online": cached(lambda: zoo.pull("hf:bad/model")),
    "cached, offline": cached(lambda: zoo.pull("hf:bad/model"), HF_HUB_OFFLINE="1"),
    "cached, offline, loaded": cached(lambda: zoo.load("hf:bad/model"), ZOO_OFFLINE="1"),
    "Hub that fails": hub_unreachable,
    "mirror": mirror,
    "mirror with another name": mirror_with_another_name,
    "branch that moved to it": moved_branch,
    "platform of a plugin": plugin_platform,
    "card of one's own": own_card,
    "base model in another spelling": another_spelling_of_a_base,
    "tuned folder": tuned_folder,
    "base model of a tuned folder": base_of_a_tuned_folder,
    "folder tuned from a copy": folder_tuned_from_a_copy,
    "model of a metric, by variable": metric_model,
    "model of a metric, by option": metric_model_by_option,
    "vocoder": vocoder,
    "folder below the policy": below,
    "laxer policy below": laxer_policy_below,
    "changed directory": changed_directory,
    "missing policy": missing_policy,
    "empty policy": empty_policy,
    "blank variable": blank_variable,
    "damaged policy": damaged_policy,
    "exception of another model": exception_of_another,
    "Python": loaded,
    "candidate": candidate,
    "candidate of a search": candidate_of_a_search,
    "another process": another_process,
}


def test_there_are_at_least_forty_ways() -> None:
    assert len(WAYS) >= 40


@pytest.mark.parametrize("way", WAYS)
def test_no_way_around_the_policy(way: str, world: World) -> None:
    with pytest.raises(ZooError) as error:
        WAYS[way](world)
    # Some names reach no model at all; all others are refused by the policy.
    if way not in UNREACHABLE:
        assert isinstance(error.value, PolicyRefusal), repr(error.value)


UNREACHABLE = {
    "short commit",
    "upper-case source",
    "another platform name",
    "Cyrillic letter",
    "full-width letters",
    "decomposed letters",
    "invisible character",
    "path tricks",
    "quoted slash",
}
"""The ways that end before the policy, because no platform has a model of that name."""


@pytest.mark.parametrize(
    "id",
    ["hf:good/model", "hf:good/model@main"],
)
def test_a_harmless_model_is_not_refused(id: str, world: World) -> None:
    world.register()
    assert zoo.pull(id).files
    assert zoo.pull(world.copy("good/model")).files


def test_the_command_line_takes_the_same_ways(world: World) -> None:
    result = commands.zoo(
        "pull",
        "hf:good/tuned",
        home=world.path / "zoo",
        folder=world.project,
        HF_HUB_OFFLINE="0",
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert "it is derived from hf:bad/model (deny hf:bad/*) (rule 'no-bad', zoo-policy.toml:5)" in result.stderr


def test_without_a_policy_nothing_is_looked_up(world: World) -> None:
    (world.project / "zoo-policy.toml").unlink()
    zoo.pull("hf:bad/model")
    before = len(world.hub.requests)
    zoo.pull(f"hf:bad/model@{world.commit()}")
    assert len(world.hub.requests) == before


def test_what_is_known_of_a_model(world: World) -> None:
    world.register()
    known = about(resolve(world.copy("good/grandchild")), describe=False)
    assert "hf:good/grandchild" in known.use.names
    assert [base.id for base in known.use.bases] == ["hf:good/tuned", "hf:bad/model"]
    shutil.rmtree(world.path / "copy-of-good-grandchild")


STRICT = rule(
    "allow.license = 'permissive'",
    "require.weights = 'safetensors'",
    "require.pinned = true",
    "require.hashes = true",
    "require.scan = 'clean'",
    "deny.remote-code = true",
    id="strict",
)


@pytest.mark.parametrize("reference", ["hf:good/model", "hf:good/model@main", "hf:good/model@side"])
def test_a_branch_is_resolved_before_it_is_decided_on(reference: str, world: World) -> None:
    repository = world.hub.repositories["good/model"]
    repository.branches["side"] = repository.commit
    write(world.project, HEAD + STRICT)
    assert zoo.pull(reference).revision == repository.commit


def test_offline_the_cache_tells_what_it_can(world: World) -> None:
    world.without_policy(lambda: zoo.pull("hf:good/model"))
    world.monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    write(
        world.project, HEAD + rule("require.pinned = true", "require.hashes = true", "require.weights = 'safetensors'")
    )
    assert zoo.pull("hf:good/model").files
    write(world.project, HEAD + STRICT)
    with pytest.raises(PolicyRefusal, match=r"requires approval.*its licence is not known"):
        zoo.pull("hf:good/model")


def test_licences_that_differ_both_apply(world: World) -> None:
    world.register()
    write(world.project, HEAD + rule("deny.license = 'non-commercial'", id="licences"))
    world.hub.repositories["good/model"].info["cardData"] = {"license": "cc-by-nc-4.0"}
    with pytest.raises(PolicyRefusal, match=r"\(Apache-2\.0\) AND \(CC-BY-NC-4\.0\)"):
        zoo.pull("hf:good/model@main")
