"""Fine-tuning on several devices of this machine: starts a process for each, and reads its progress and the run."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zoo.adapt.known_strategies import find, options_of
from zoo.adapt.training.settings import OutOfMemory
from zoo.config import all_configured, configured
from zoo.contract.backbone import SilentProgress
from zoo.engines.group import run_group
from zoo.entities import Dataset, ModelCard, Plan, Run
from zoo.errors import InvalidInput, PluginError, UnsupportedModel, needs_extra
from zoo.features.device import device_count

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.engines.member import Member
    from zoo.features import Model

_PACKAGES = ("accelerate", "cloudpickle")


@dataclass(frozen=True)
class Job:
    """What each process needs.

    Attributes:
        card: of the model, which each process loads itself.
        stamp: digest of its weights, see ``zoo.features.cache.identity.weights_stamp``; empty if unknown.
        settings: as they were configured in the first process, not by the environment.
        halvings, spent: see ``zoo.adapt.devices.sharing.OneDevice``.
    """

    card: ModelCard
    stamp: str
    dataset: Dataset
    plan: Plan
    settings: Mapping[str, Any]
    halvings: int = 0
    spent: float = 0.0


def check_devices(plan: Plan, dataset: Dataset) -> None:
    """Reject a plan for several devices that cannot be carried out, before anything is loaded.

    Raises:
        InvalidInput: the strategy, or a search, does not use several devices, or there are not as many.
        MissingExtra: accelerate is not installed.
    """
    if plan.devices == 1:
        return
    options_of(plan.strategy, dataset).check(plan, find(plan.strategy).epochs)
    if plan.trials > 1:
        raise InvalidInput(
            "--trials trains on one device at a time, so --devices has no effect with it.",
            "Search without --devices, and train with the settings found.",
        )
    kind, _, index = plan.device.partition(":")
    if index:
        raise InvalidInput(
            f"--device {plan.device} names one device, and --devices {plan.devices} uses several.",
            f"Name their kind: --device {kind}",
        )
    count = device_count(kind)
    if plan.devices > count:
        noun = ("core" if kind == "cpu" else f"{kind} device") + ("" if count == 1 else "s")
        raise InvalidInput(
            f"--devices {plan.devices} is too many: this machine has {count} {noun}.",
            f"Use --devices {count}." if count > 1 else "Leave --devices out.",
        )
    if plan.batch_size < plan.devices:
        raise InvalidInput(
            f"A batch of {plan.batch_size} cannot be divided among {plan.devices} devices.",
            f"Use --batch-size {plan.devices} or more: it is the size of the whole batch.",
        )
    with needs_extra("devices", "fine-tune on several devices"):
        for name in _PACKAGES:
            if importlib.util.find_spec(name) is None:
                raise ModuleNotFoundError(name=name)


def tune_on_devices(
    model: str | Model, dataset: Dataset, task: str, progress: Progress
) -> tuple[ModelCard, Callable[[Plan], Run]]:
    """The card of the model, and a function that adapts it by a plan on ``plan.devices`` devices.

    The model's files are downloaded here, once; each process then reads them.

    Raises:
        ZooError: the model is unknown, or its files cannot be downloaded.
    """
    from zoo.features import files_of
    from zoo.features.cache.identity import weights_stamp
    from zoo.sources import resolve

    if isinstance(model, str):
        card, stamp = resolve(model), ""
        files_of(card, progress, "tune", task)
    else:
        model.permission.check(model.card, "tune", task)
        card, stamp = model.card, weights_stamp(model.backbone)
    return card, functools.partial(_adapt, card, stamp, dataset, progress)


def _adapt(card: ModelCard, stamp: str, dataset: Dataset, progress: Progress, plan: Plan) -> Run:
    """Adapt the model on several devices; after an out-of-memory error again with half the batch size."""
    started = time.perf_counter()
    job = Job(card, stamp, dataset, plan, all_configured())
    while True:
        with replayed(progress) as handle:
            try:
                run: Run = run_group(functools.partial(_work, job), environments(plan), handle)
                break
            except OutOfMemory:
                if plan.batch_size >> (job.halvings + 1) < plan.devices:
                    raise
        job = replace(job, halvings=job.halvings + 1, spent=time.perf_counter() - started)
    recorded = {**run.plan, "device": plan.device}
    return replace(run, plan=recorded, device=plan.device, seconds=round(time.perf_counter() - started, 3))


def environments(plan: Plan) -> list[dict[str, str]]:
    """The environment variables of each process: its share of the cores, and no settings of another launcher."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    cores = int(given) if given.isdigit() and int(given) else device_count("cpu")
    shared = {name: "" for name in os.environ if name.startswith(("ACCELERATE_", "FSDP_"))}
    shared["OMP_NUM_THREADS"] = str(max(1, cores // plan.devices))
    if sys.platform == "linux" and "GLOO_SOCKET_IFNAME" not in os.environ:
        shared["GLOO_SOCKET_IFNAME"] = "lo"  # the name of this machine may have no address
    return [shared] * plan.devices


def _work(job: Job, member: Member) -> Run | None:
    """Adapt the model together with the other processes; the run, in the first one."""
    from zoo.adapt.devices.data_parallel import SeveralDevices
    from zoo.adapt.devices.sharing import OtherProcess, in_use
    from zoo.features import load
    from zoo.features.cache.identity import weights_stamp
    from zoo.plugins import plugins

    plan = job.plan
    device = plan.device if plan.device == "cpu" else f"{plan.device}:{member.rank}"
    progress: Any = SilentProgress() if member.rank else SentProgress(member)
    devices = SeveralDevices(member, device, job.halvings, job.spent)
    with configured(job.settings), in_use(devices):
        backbone = load(job.card, device=device, action="tune", task=plan.task).backbone
        if job.stamp and weights_stamp(backbone) != job.stamp:
            raise UnsupportedModel(
                f"The weights of '{job.card.id}' were changed after it was loaded; on several devices, each process "
                "loads them itself.",
                "Save the changed model in a folder, or leave --devices out.",
            )
        failures: list[str] = []
        plugins().warn = failures.append
        try:
            run: Run | None = plugins().first(
                "zoo_finetune",
                backbone=backbone,
                dataset=job.dataset,
                plan=replace(plan, device=device),
                progress=progress,
            )
        except OtherProcess:
            return None
        if run is None:
            reason = failures[-1] if failures else "No plugin can."
            raise PluginError(
                f"Process {member.rank + 1} of {member.count} could not adapt '{job.card.id}' with the strategy "
                f"'{plan.strategy}'. {reason}",
                "Try it on one device: leave --devices out.",
            )
        if not devices.left:
            raise UnsupportedModel(
                f"The plugin of '{job.card.id}' trains it itself, and on one device only.", "Leave --devices out."
            )
        return run


class SentProgress:
    """Progress that is sent to the parent, which shows it."""

    def __init__(self, member: Member) -> None:
        self._member, self._steps = member, 0

    @contextmanager
    def step(self, description: str, total: int | None = None) -> Iterator[SentStep]:
        """See ``zoo.contract.backbone.Progress``."""
        self._steps += 1
        step = SentStep(self._member, self._steps)
        self._member.send("event", ("begin", step.number, description, total))
        try:
            yield step
        finally:
            self._member.send("event", ("end", step.number))


class SentStep:
    """A step of ``SentProgress``."""

    def __init__(self, member: Member, number: int) -> None:
        self._member, self.number = member, number

    def advance(self, amount: int = 1) -> None:
        """Advance the parent's step."""
        self._member.send("event", ("advance", self.number, amount))


@contextmanager
def replayed(progress: Progress) -> Iterator[Callable[[Any], None]]:
    """A function that shows the events of ``SentProgress``; steps that are still open end with the block."""
    steps: dict[int, tuple[AbstractContextManager[Any], Any]] = {}

    def handle(event: tuple[Any, ...]) -> None:
        kind, number, *rest = event
        if kind == "begin":
            step = progress.step(*rest)
            steps[number] = step, step.__enter__()
        elif kind == "advance":
            steps[number][1].advance(*rest)
        else:
            steps.pop(number)[0].__exit__(None, None, None)

    try:
        yield handle
    finally:
        for step, _ in reversed(list(steps.values())):
            step.__exit__(None, None, None)
