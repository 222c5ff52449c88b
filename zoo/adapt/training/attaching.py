"""Prepares a module for the training that a plan's strategy names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from zoo.adapt.training import prompts, quantized, targets
from zoo.adapt.training.adapters import PREFIX, PROMPT, Adapted, Recipe, add
from zoo.adapt.training.methods import Attached, Method, everything, head_alone, last_blocks
from zoo.adapt.training.settings import RANK
from zoo.errors import InvalidInput, needs_extra

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone
    from zoo.entities import Plan

SHARE = 0.015
"""Limit of the weights of LoRA's matrices, as a share of the model's; the usual rank is halved until it holds."""

ALPHA = 2
"""LoRA's alpha, as a multiple of the rank."""

LEARNING_RATES: Mapping[str, float] = {
    "lora": 1.0,
    "dora": 1.0,
    "qlora": 1.0,
    "ia3": 30.0,
    PREFIX: 30.0,
    PROMPT: 100.0,
}
"""Learning rate of each adapter, as a multiple of that of pretrained weights."""


def method_called(name: str, backbone: Backbone, plan: Plan) -> Method:
    """A method of ``zoo.adapt.training.methods``, or the one that adds an adapter."""
    known: dict[str, Method] = {one.__name__: one for one in (everything, last_blocks, head_alone)}
    return known.get(name) or (lambda module, pretrained, _: attach(module, pretrained, backbone, plan))


def attach(module: nn.Module, pretrained: nn.Module, backbone: Backbone, plan: Plan) -> Attached:
    """Freeze the pretrained part and add the adapter of the plan's strategy; the new head is trained too.

    LoRA: Hu et al., 2021; DoRA: Liu et al., 2024; (IA)^3: Liu et al., "Few-shot parameter-efficient fine-tuning", 2022.

    Raises:
        UnsupportedModel: the model has no layers to adapt, or takes no virtual tokens.
        InvalidInput: the plan names layers that it lacks, or a rank above theirs, or QLoRA's requirements are not met.
        MissingExtra: peft is not installed.
    """
    core = targets.core_of(pretrained)
    if plan.strategy == "qlora":
        quantized.check_available(plan.device)
    if plan.strategy in {PROMPT, PREFIX}:
        prompts.check(pretrained, plan.strategy, plan.virtual_tokens, backbone)
    recipe = recipe_for(core, plan, backbone.card.id)
    for parameter in pretrained.parameters():
        parameter.requires_grad_(False)
    if recipe.virtual_tokens:
        return prompts.PromptedModel(module, pretrained, add(core, recipe), recipe.virtual_tokens, backbone)
    details: dict[str, Any] = {"rank": recipe.rank, "alpha": recipe.alpha} if recipe.rank else {}
    details["adapted_layers"] = len(recipe.names)
    if plan.strategy == "qlora":
        return quantized.Quantized(module, pretrained, recipe, plan.device, details)
    return Adapted(module, pretrained, add(core, recipe), details)


def recipe_for(core: nn.Module, plan: Plan, model: str) -> Recipe:
    """The adapter that a plan describes.

    Raises:
        UnsupportedModel, InvalidInput, MissingExtra: see ``attach``.
    """
    with needs_extra("lora", "train adapters"):
        from peft import utils

    kind = "lora" if plan.strategy == "qlora" else plan.strategy
    if kind in {PROMPT, PREFIX}:
        return Recipe(kind, virtual_tokens=plan.virtual_tokens)
    if kind == "ia3":
        usual = targets.usual_names(core, utils.TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING)
        names = targets.find(core, plan.targets, usual, model, (nn.Conv2d,))
        known = utils.TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING
        ends = (plan.targets == targets.AUTO and targets.usual_names(core, known)) or ()
        return Recipe(kind, tuple(names), inputs=tuple(name for name in names if targets.matches(name, ends)))
    usual = targets.usual_names(core, utils.TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING)
    names = targets.find(core, plan.targets, usual, model)
    rank = plan.rank or _usual_rank(core, names)
    if plan.rank and rank > (highest := targets.highest_rank(core, names)):
        raise InvalidInput(
            f"--rank {rank:,} is above {highest:,}, the highest rank of the adapted layers of '{model}'.",
            f"Choose a lower one, such as --rank {min(RANK, highest)}.",
        )
    return Recipe(kind, tuple(names), rank=rank, alpha=ALPHA * rank)


def _usual_rank(core: nn.Module, names: list[str]) -> int:
    each = targets.size_of_rank(core, names)
    most = SHARE * sum(parameter.numel() for parameter in core.parameters())
    rank = RANK
    while rank > 1 and rank * each > most:
        rank //= 2
    return rank
