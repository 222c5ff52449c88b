"""Time per model of evaluating a policy.

    python benchmarks/policy.py [--models 100000] [--action pull] [--rounds 5]

The policy has the four rules of docs/policy.md: licences, origin, safety and size. The models are generated: licences,
owners, sizes, tags and base models as they occur on the Hub, with unknown facts. Time is processor time, the least of
several rounds; it is printed per model, for models without an objection and for all, reasons included. The rule on
memory applies to ``serve`` only; it estimates the memory of each model.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter

from zoo.contract.deciding import Use
from zoo.entities import ModelCard, ModelFile
from zoo.team.policy.evaluating import CompiledPolicy
from zoo.team.policy.parsing import document

POLICY = """\
policy-version = "1"
name = "benchmark"

[[rules]]
id = "licences"
allow.license = ["permissive", "public-domain"]
deny.license = ["non-commercial"]

[[rules]]
id = "origin"
allow.source = ["hf", "pkg", "file"]
deny.author = ["owner-7", "owner-8*"]
deny.id = ["hf:owner-1/*", "hf:owner-2/model-5*"]
exceptions = [{ id = "hf:owner-1/model-10", until = 2099-12-31 }]

[[rules]]
id = "safety"
require.weights = "safetensors"
require.pinned = true
require.hashes = true
deny.remote-code = true
require.scan = "clean"

[[rules]]
id = "size"
on = ["serve"]
warn.parameters = ">2B"
deny.memory = ">24GB"
"""
LICENCES = ("Apache-2.0", "MIT", "CC-BY-NC-4.0", "other", None, "BSD-3-Clause", "GPL-3.0-only", "MIT OR Apache-2.0")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=int, default=100_000)
    parser.add_argument("--action", default="pull")
    parser.add_argument("--rules", type=int, default=20_000, help="rules of a policy that is read and compiled")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    policy = CompiledPolicy((document(POLICY.encode(), "benchmark.toml"),))
    cards = generated(arguments.models, random.Random(arguments.seed))
    use = Use()
    policy.reasons(cards[0], arguments.action, use)  # modules that are imported when first needed
    first = [next(iter(policy.reasons(card, arguments.action, use)), None) for card in cards]
    verdicts = Counter(str(reason.verdict) if reason else "allow" for reason in first)
    allowed = [card for card, reason in zip(cards, first, strict=True) if reason is None]
    del first

    def fastest(chosen: list[ModelCard]) -> float:
        return min(seconds(policy, chosen, arguments.action, use) for _ in range(arguments.rounds))

    total, quiet = fastest(cards), fastest(allowed)
    print(
        json.dumps(
            {
                "models": len(cards),
                "action": arguments.action,
                "microseconds_per_model": round(total / len(cards) * 1e6, 2),
                "microseconds_per_allowed_model": round(quiet / max(1, len(allowed)) * 1e6, 2),
                "rules": arguments.rules,
                "seconds_to_read_and_compile": round(compiling(arguments.rules, arguments.action), 2),
                "verdicts": dict(sorted(verdicts.items())),
            },
            indent=2,
        )
    )


def seconds(policy: CompiledPolicy, cards: list[ModelCard], action: str, use: Use) -> float:
    """The processor time of evaluating all cards, with reasons."""
    started = time.process_time()
    for card in cards:
        policy.reasons(card, action, use)
    return time.process_time() - started


def compiling(rules: int, action: str) -> float:
    """The processor time of reading a policy with many rules, and of the first decision."""
    text = POLICY + "".join(f'[[rules]]\nid = "r{n}"\ndeny.id = "hf:a/{n}"\n' for n in range(rules))
    card = ModelCard("hf:owner/model", "language")
    started = time.process_time()
    CompiledPolicy((document(text.encode(), "benchmark.toml"),)).reasons(card, action, Use())
    return time.process_time() - started


def generated(count: int, random: random.Random) -> list[ModelCard]:
    """Cards with the variety of the Hub's."""
    return [_card(at, random) for at in range(count)]


def _card(at: int, random: random.Random) -> ModelCard:
    owner, format = f"owner-{random.randrange(2000)}", random.choice(("safetensors",) * 4 + ("bin",))
    base = f"owner-{random.randrange(2000)}/model-{random.randrange(max(1, at))}"
    derived = base if random.random() < 0.4 else None
    tags = ["transformers", "text-generation", "en", "region-us", "endpoints-compatible"][: random.randrange(6)]
    if derived:
        tags.append(f"base_model:finetune:{derived}")
    return ModelCard(
        f"hf:{owner}/model-{at}",
        "language",
        ("text-generation",),
        architecture="Llama",
        library="transformers",
        parameters=random.choice((None, 10**8, 10**9, 8 * 10**9)),
        bytes=10**9,
        license=random.choice(LICENCES),
        base_model=f"hf:{derived}" if derived else None,
        revision=f"{at:040x}" if random.random() < 0.9 else "main",
        tags=tuple(tags),
        files=(ModelFile("config.json", 500), ModelFile(f"model.{format}", 10**9, f"{at:064x}")),
        loader={"format": format},
        input={"kind": "text"},
    )


if __name__ == "__main__":
    main()
