"""Adaptation: fit a model to a data set, and measure the gain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from zoo.adapt.evaluation import evaluate
from zoo.keywords import explains_keywords

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.contract.reader import ReadOptions
    from zoo.entities import Dataset, ModelCard, Plan, Run
    from zoo.features import Model

__all__ = ["evaluate", "tune"]


@explains_keywords
def tune(
    model: str | Model,
    data: str | Dataset,
    *,
    task: str | None = None,
    strategy: str = "linear-probe",
    epochs: int | None = None,
    batch_size: int = 32,
    learning_rate: float | None = None,
    weight_decay: float = 0.01,
    augment: str = "auto",
    patience: int = 3,
    validation: float = 0.15,
    test: float = 0.2,
    split: str = "random",
    head: str = "auto",
    layer_decay: float = 1.0,
    rank: int | None = None,
    targets: str = "auto",
    virtual_tokens: int = 20,
    merge: bool = False,
    gradient_checkpointing: bool = False,
    accumulate: int = 1,
    devices: int = 1,
    keep: str = "best",
    class_weights: str = "auto",
    budget: float | None = None,
    drop: str | None = None,
    folds: int = 0,
    repeats: int = 1,
    trials: int = 1,
    cluster: str | None = None,
    seed: int = 0,
    device: str | None = None,
    output: str | None = None,
    report: str | None = None,
    save_run: bool = True,
    progress: Progress | None = None,
    input_column: str | None = None,
    target_column: str | None = None,
    group_column: str | None = None,
    time_column: str | None = None,
    validation_data: str | Dataset | None = None,
    test_data: str | Dataset | None = None,
    on_problem: str = "skip",
    options: Mapping[str, Any] | None = None,
    read: ReadOptions | None = None,
) -> Run:
    """Adapt a model to a data set, test it on samples that it has not seen, and keep the run in the registry.

    Options that have no effect on the strategy and the data are rejected. Fine-tuning is compared with a linear probe
    on
    the same split: the plan of the run has the metrics of both (``fine_tuned``, ``probe``) and which is ``kept``.

    Args:
        model: model id, or a loaded model.
        data: a data set, or a reference to one: a folder, a table, a packaged name.
        task: task name; guessed from the data if it is None.
        strategy: name of an adaptation strategy; see ``zoo.adapt.strategies``.
        epochs: maximum number; None uses the strategy's. Early stopping may end sooner.
        batch_size: samples per batch, on all devices together.
        learning_rate: learning rate of the pretrained weights; None lets the strategy choose.
        weight_decay: weight decay of AdamW.
        augment: random changes of the training inputs: ``none``, ``light``, ``strong``, or ``auto``, which is the one
            that suits the data.
        patience: epochs without a better validation metric before training stops.
        validation, test: fractions of the samples held out for early stopping, and for the reported metrics.
        split: how samples are held out: ``random``, or by a grouping of the data's kind that keeps related samples
            in one part.
        head: initialisation of a new head: fitted to the frozen features (``probe``), ``random``, or as suits the
            model.
        layer_decay: factor of the learning rate from each block to the one before it; 1 disables it.
        rank: rank of LoRA's matrices; None takes 8, or less for small models.
        targets: layers with an adapter: ``auto``, ``attention``, ``all-linear``, or comma-separated names of
            modules, or their last parts.
        virtual_tokens: number of trained tokens (``prompt-tuning``) or prefixes (``prefix-tuning``) before each input.
        merge: write all weights to ``output``, with the adapter merged, instead of the adapter alone.
        gradient_checkpointing: compute activations again in the backward pass: less memory, more time.
        accumulate: batches per optimiser step (gradient accumulation).
        devices: number of GPUs of this machine that divide each batch, or of processes on a CPU; more than 1 needs
            ``foundation-zoo[devices]``.
        keep: the ``best`` of the fine-tuned model and a linear probe on the validation samples, or always the
            ``fine-tuned`` one.
        class_weights: weights of the classes in the loss: ``none``, ``balanced`` (inverse to their frequency), or
            ``auto``: the root of that, if the largest class has ten times the samples of the smallest.
        budget: seconds in which fine-tuning ends, with the best weights so far; None for no limit.
        drop: file with a list of samples, as ``zoo profile --label-errors -o`` writes it; they are left out of training
            and validation. The test part is unchanged, so that the metrics with and without the list can be compared.
        folds: number of folds of a cross-validation, in which each sample is tested once; 0 for one test part.
        repeats: number of splits, with consecutive seeds; metrics are means, and their intervals include the
            differences between the splits. With folds or repeats, the model of the first split is written.
        trials: number of settings to try, the first with the values given here, the next from earlier runs on similar
            data, then as a sampler proposes. The best on the validation samples is kept and tested, and the run records
            all (``plan["search"]``). Options that are set to other than their defaults are kept as they are. With a
            budget, the search ends with it. The search is kept, so that the same call continues or extends it.
        cluster: address of a Ray cluster for several trials at once; ``local`` for workers on this machine.
        seed: seed for the split, the head and the order of the samples.
        device: where to run; None takes the best available.
        output: folder for the adapted model, or None to keep only its metrics.
        report: file for the results as a self-contained HTML page.
        save_run: whether the run goes into the registry.
        group_column: column of a table whose equal values mark samples of one origin, such as a patient; they stay in
            one part.
        time_column: column of numbers or ISO 8601 dates; the latest samples are tested.
        validation_data, test_data: data sets, or references to them, with the validation and the test samples. Training
            samples that are copies or near copies of theirs are left out.
        input_column, target_column, on_problem, read: as in ``zoo.read``.
        options: as in ``zoo.read``; settings of metrics and of the model too, by name, such as ``asr_model``.

    Returns:
        The run: metrics on the test split, and those of the baseline (the most frequent class, or the mean).

    Raises:
        ZooError: the model, the data, the plan or the output folder is unusable.
    """
    from zoo import pages
    from zoo.adapt.devices.starting import check_devices
    from zoo.adapt.evaluating import by_answers
    from zoo.adapt.known_strategies import find
    from zoo.adapt.plans import check_plan
    from zoo.adapt.repeated import adapt_each, check_repeated
    from zoo.adapt.saved.saving import check_output
    from zoo.adapt.search import search
    from zoo.config import configured
    from zoo.contract.backbone import SilentProgress
    from zoo.data import check, read_with, task_for
    from zoo.data.arguments import read_options
    from zoo.data.joining import alike, joined
    from zoo.data.splitting import check_split
    from zoo.entities import Plan
    from zoo.errors import InvalidInput
    from zoo.features.device import best_device
    from zoo.plugins.options import check_fit, settings_of
    from zoo.registry import open_registry

    given = read_options(
        "tune",
        data,
        read,
        input_column,
        target_column,
        on_problem,
        task,
        options,
        group_column=group_column,
        time_column=time_column,
    )
    settings = settings_of("tune", options, "" if isinstance(model, str) else model.card.id)
    progress = progress or SilentProgress()
    epochs = find(strategy).epochs if epochs is None else epochs
    check_output(output, model if isinstance(model, str) else model.card.id)
    if report:
        pages.check(report)
    dataset = read_with(data, given) if isinstance(data, str) else data
    dataset = joined(dataset, *(alike(one, dataset, given) for one in (validation_data, test_data)))
    found = task_for(dataset, given.task)
    check_fit(settings, {*found.inputs, found.target}, found.name, f"the task here is {found.name}")
    check(dataset, found, structured=by_answers(dataset, found))
    device = best_device(device)
    plan = Plan(
        strategy=strategy,
        task=found.name,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        augment=augment,
        patience=patience,
        validation=validation,
        test=test,
        seed=seed,
        device=device,
        output=output,
        split=split,
        head=head,
        layer_decay=layer_decay,
        rank=rank,
        targets=targets,
        virtual_tokens=virtual_tokens,
        merge=merge,
        gradient_checkpointing=gradient_checkpointing,
        accumulate=accumulate,
        devices=devices,
        keep=keep,
        class_weights=class_weights,
        budget=budget,
        drop=drop,
        folds=folds,
        repeats=repeats,
        trials=trials,
    )
    check_plan(plan)
    check_split(dataset, split)
    check_repeated(dataset, plan)
    check_devices(plan, dataset)
    if cluster is not None and plan.trials == 1:
        raise InvalidInput("--cluster has no effect without --trials.", "Leave --cluster out, or use --trials 20.")
    with configured(settings):
        card, adapt = _adapting(model, dataset, plan, progress)
        if plan.trials > 1:
            run = search(plan, card, dataset, adapt, progress, runs=open_registry().runs, cluster=cluster)
        elif plan.folds or plan.repeats > 1:
            run = adapt_each(plan, card, dataset, adapt, progress)
        else:
            run = adapt(plan)
    return _kept(run, dataset, save_run, report)


def _adapting(
    model: str | Model, dataset: Dataset, plan: Plan, progress: Progress
) -> tuple[ModelCard, Callable[[Plan], Run]]:
    """The card of the model, and a function that adapts it by a plan like this one."""
    from zoo.adapt.devices.starting import tune_on_devices
    from zoo.adapt.plans import adapted
    from zoo.features import model_for

    if plan.devices > 1:
        return tune_on_devices(model, dataset, plan.task, progress)
    loaded = model_for(model, "tune", plan.device, progress, plan.task)
    return loaded.card, lambda one: adapted(loaded, dataset, one, progress)


def _kept(run: Run, dataset: Dataset, save_run: bool, report: str | None) -> Run:
    """The run, in the registry and on a page if that is wanted."""
    from zoo.adapt.results.earlier import with_best_earlier
    from zoo.adapt.results.page import write_run
    from zoo.registry import open_registry

    if save_run:
        registry = open_registry()
        run = with_best_earlier(run, registry)
        registry.add([run])
    if report:
        write_run(run, dataset, report)
    return run
