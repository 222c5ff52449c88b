"""A synthetic Hub of any size, reproducible by seed, with which ``benchmarks/registry.py`` fills a registry.

Distributions follow those of the Hugging Face Hub: a handful of libraries and tasks cover most models, half
of the models name a base model, downloads and the models of an author are heavy-tailed, most cards have no
description, two thirds carry no licence or Apache-2.0, sizes cluster at those of well-known base models.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

TASKS = {
    "language": {
        "text-generation": 330,
        "text-classification": 120,
        "fill-mask": 28,
        "token-classification": 30,
        "sentence-similarity": 25,
        "translation": 18,
        "question-answering": 16,
        "summarization": 12,
        "feature-extraction": 30,
        "zero-shot-classification": 3,
    },
    "vision": {
        "image-classification": 40,
        "text-to-image": 80,
        "object-detection": 12,
        "image-segmentation": 8,
        "image-to-image": 4,
        "depth-estimation": 1,
        "image-feature-extraction": 3,
    },
    "audio": {"automatic-speech-recognition": 45, "audio-classification": 12, "text-to-speech": 18},
    "multimodal": {"image-text-to-text": 30, "visual-question-answering": 2, "image-to-text": 3},
    "scientific": {"molecular-property-prediction": 1, "protein-structure-prediction": 1},
    "other": {"reinforcement-learning": 90, "tabular-classification": 2, "robotics": 20},
}
FAMILIES = {
    "language": (
        "llama",
        "Llama-3.1",
        "Llama-3.2",
        "Qwen2.5",
        "Qwen3",
        "Mistral",
        "gemma-2",
        "gemma-3",
        "phi-3",
        "gpt2",
        "bert",
        "roberta",
        "distilbert",
        "xlm-roberta",
        "deberta-v3",
        "t5",
        "bart",
        "opt",
        "pythia",
        "falcon",
        "SmolLM2",
        "TinyLlama",
        "deepseek",
        "MiniLM",
        "mpnet",
        "bge",
        "e5",
        "opus-mt",
        "nllb",
    ),
    "vision": (
        "vit",
        "resnet",
        "convnext",
        "swin",
        "beit",
        "deit",
        "dinov2",
        "efficientnet",
        "detr",
        "segformer",
        "stable-diffusion",
        "sdxl",
        "flux",
        "yolov8",
        "mobilenet",
    ),
    "audio": ("whisper", "wav2vec2", "hubert", "wavlm", "speecht5", "xls-r", "ast", "musicgen", "vits"),
    "multimodal": ("clip", "siglip", "blip", "llava", "Qwen2-VL", "paligemma", "idefics"),
    "scientific": ("esm2", "chemberta", "molformer", "protbert"),
    "other": ("ppo", "dqn", "a2c", "act", "smolvla", "xgboost"),
}
SIZES = (
    5,
    11,
    14,
    22,
    23,
    33,
    66,
    82,
    86,
    110,
    125,
    135,
    244,
    278,
    304,
    355,
    500,
    560,
    774,
    1100,
    1240,
    1540,
    1700,
    2600,
    3090,
    3800,
    4020,
    7240,
    7620,
    8030,
    8190,
    9240,
    12200,
    13000,
    14800,
    24000,
    32800,
    70600,
    123000,
)
LICENSES = {
    None: 45,
    "Apache-2.0": 28,
    "MIT": 11,
    "other": 8,
    "CC-BY-NC-4.0": 3,
    "CC-BY-4.0": 1,
    "GPL-3.0-only": 1,
    "CC-BY-SA-4.0": 0.6,
    "BSD-3-Clause": 0.5,
    "AGPL-3.0-only": 0.4,
    "CC0-1.0": 0.3,
    "Unlicense": 0.2,
}
LANGUAGES = (
    "en",
    "zh",
    "fr",
    "es",
    "de",
    "ko",
    "ja",
    "ru",
    "pt",
    "it",
    "ar",
    "vi",
    "id",
    "hi",
    "tr",
    "nl",
    "pl",
    "sv",
    "fa",
    "th",
    "uk",
    "cs",
    "fi",
    "he",
    "ro",
    "da",
    "no",
    "hu",
    "el",
    "bn",
    "ta",
    "te",
    "ur",
    "sw",
    "ca",
    "eu",
)
LIBRARIES = {
    "transformers": 55,
    "diffusers": 9,
    "peft": 12,
    "gguf": 8,
    "stable-baselines3": 4,
    "sentence-transformers": 3,
    "timm": 1,
    "lerobot": 2,
    "mlx": 2,
    "keras": 0.6,
    "sklearn": 0.4,
    "fastai": 0.3,
    "spacy": 0.3,
    "nemo": 0.2,
}
WORDS = [
    "base",
    "small",
    "large",
    "medium",
    "mini",
    "tiny",
    "nano",
    "xl",
    "instruct",
    "chat",
    "finetuned",
    "ft",
    "sft",
    "dpo",
    "orpo",
    "grpo",
    "lora",
    "qlora",
    "adapter",
    "merged",
    "merge",
    "v1",
    "v2",
    "v3",
    "v4",
    "test",
    "demo",
    "final",
    "checkpoint",
    "epoch",
    "en",
    "de",
    "fr",
    "zh",
    "multilingual",
    "uncased",
    "cased",
    "legal",
    "medical",
    "finance",
    "code",
    "math",
    "reasoning",
    "vision",
    "sentiment",
    "emotion",
    "ner",
    "qa",
    "squad",
    "imdb",
    "sst2",
    "mnli",
    "conll",
    "emotion",
    "tweet",
    "news",
    "summarization",
    "toxic",
    "patch16",
    "224",
    "384",
    "food101",
    "cifar10",
    "beans",
    "common",
    "voice",
    "librispeech",
    "robot",
    "cart",
    "pole",
    "lunar",
    "lander",
    "trading",
    "cats",
    "dogs",
    "flowers",
    "xray",
    "skin",
    "plants",
    "anime",
    "portrait",
    "style",
    "product",
    "fashion",
]
SENTENCES = (
    "This model is a fine-tuned version of {base} on the {word} dataset.",
    "{base} quantised for local inference.",
    "Trained for {word} {word2} with a learning rate of 2e-5 over three epochs.",
    "A {word} model that maps sentences and paragraphs to a dense vector space.",
    "Merge of pre-trained language models made with mergekit, {word} edition.",
    "LoRA adapter for {base}, {word} domain.",
)
SYLLABLES = [
    "ka",
    "lo",
    "mi",
    "ra",
    "ten",
    "shi",
    "vo",
    "den",
    "max",
    "lab",
    "ai",
    "data",
    "net",
    "zu",
    "pe",
    "ri",
    "son",
    "dev",
    "tech",
    "mar",
    "nik",
    "al",
    "ex",
    "jo",
    "han",
    "li",
    "wei",
    "chen",
    "kim",
    "lee",
    "park",
    "sing",
    "gar",
    "cia",
    "lopez",
    "mul",
    "ler",
    "sch",
    "nei",
    "der",
    "hub",
    "open",
    "deep",
    "mind",
    "bio",
    "med",
    "uni",
    "research",
    "group",
    "team",
]


class Hub:
    """A synthetic Hub.

    Attributes:
        models: number of models.
    """

    def __init__(self, models: int, seed: int = 0) -> None:
        self.models = models
        self._random = random.Random(seed)
        self._authors = _weighted([self._author() for _ in range(max(models // 6, 20))], 1.05)
        self._tasks = [(domain, task) for domain, tasks in TASKS.items() for task in tasks]
        self._task_weights = list(itertools.accumulate(w for tasks in TASKS.values() for w in tasks.values()))
        self._bases: dict[str, tuple[Sequence[str], Sequence[float]]] = {}
        for domain, families in FAMILIES.items():
            names = [
                f"{self._author()}/{family}-{size}" for family in families for size in ("base", "large", "7b", "v2")
            ]
            self._random.shuffle(names)
            self._bases[domain] = _weighted(names, 1.0)

    def _author(self) -> str:
        r = self._random
        name = "".join(r.choices(SYLLABLES, k=r.choice((1, 2, 2, 3))))
        return f"{name}{r.randrange(10_000)}" if r.random() < 0.5 else f"{name}-{''.join(r.choices(SYLLABLES, k=2))}"

    def cards(self) -> Iterator[dict[str, Any]]:
        """The fields of the cards, in the order of a listing."""
        r = self._random
        licenses = (list(LICENSES), list(itertools.accumulate(LICENSES.values())))
        libraries = (list(LIBRARIES), list(itertools.accumulate(LIBRARIES.values())))
        for number in range(self.models):
            domain, task = _pick(r, (self._tasks, self._task_weights))
            yield self._card(number, domain, task, _pick(r, licenses), _pick(r, libraries))

    def _card(self, number: int, domain: str, task: str, license: str | None, library: str) -> dict[str, Any]:
        r = self._random
        family = r.choice(FAMILIES[domain])
        author = _pick(r, self._authors)
        name = "-".join([family, *r.sample(WORDS, r.choice((1, 2, 2, 3, 3, 4)))])
        name += r.choice((f"-{r.randrange(1, 13)}", f"_{r.randrange(100, 2**20)}", f".{number % 977}"))
        name += f"-{number:x}"
        tags = [library, "safetensors", family.lower(), task, "region:us"]
        base = f"{_pick(r, self._bases[domain])}" if r.random() < 0.5 else None
        if base is not None:
            relation = r.choices(("finetune", "quantized", "adapter", "merge"), (45, 25, 25, 5))[0]
            tags += [f"base_model:{base}", f"base_model:{relation}:{base}"]
        languages = (_pick(r, _LANGUAGES),) if r.random() < 0.35 else ()
        tags += [*languages, *(("endpoints_compatible",) if r.random() < 0.5 else ())]
        tags += [f"arxiv:{r.randrange(1700, 2512)}.{r.randrange(20_000):05}"] if r.random() < 0.12 else []
        tags += [f"dataset:{r.choice(WORDS)}_{r.randrange(3000)}"] if r.random() < 0.2 else []
        known = r.random() < 0.6
        parameters = round(r.choice(SIZES) * 1e6 * r.uniform(0.98, 1.02)) if known else None
        downloads = int(min(r.paretovariate(0.6) - 1, 3e8))
        sentence = r.choice(SENTENCES).format(base=base or family, word=r.choice(WORDS), word2=r.choice(WORDS))
        return {
            "id": f"hf:{author}/{name}",
            "description": sentence if r.random() < 0.3 else None,
            "domain": domain,
            "tasks": (task,),
            "architecture": family if r.random() < 0.6 else None,
            "library": library,
            "parameters": parameters,
            "bytes": None if parameters is None else parameters * r.choice((2, 2, 2, 4)),
            "license": license,
            "languages": languages,
            "released": f"202{r.randrange(2, 6)}-{r.randrange(1, 13):02}-{r.randrange(1, 29):02}",
            "downloads": downloads,
            "likes": int(min(r.paretovariate(1.1) - 1, 20_000)),
            "base_model": None if base is None else f"hf:{base}",
            "gated": r.random() < 0.03,
            "revision": f"{r.getrandbits(160):040x}",
            "tags": tuple(dict.fromkeys(tags)),
        }

    def scores(self, ids: Sequence[str], count: int) -> Iterator[dict[str, Any]]:
        """The fields of scores of these models, some of which have many; on heavy-tailed benchmarks."""
        r = self._random
        names = [(f"{word}_{n}", metric) for n in range(8) for word in WORDS for metric in ("accuracy", "f1", "wer")]
        r.shuffle(names)
        benchmarks = _weighted(names, 1.0)
        given = 0
        for id in itertools.chain.from_iterable(itertools.repeat(ids)):
            for dataset, metric in {_pick(r, benchmarks) for _ in range(r.choice((1, 2, 4, 6)))}:
                cited = f"https://huggingface.co/{id[3:]}" if r.random() < 0.01 else "model card"
                yield {
                    "model": id,
                    "task": "text-classification",
                    "dataset": dataset,
                    "metric": metric,
                    "value": round(r.betavariate(5, 2), 4),
                    "higher_is_better": metric != "wer",
                    "source": cited,
                    "date": f"2025-{r.randrange(1, 13):02}-01",
                }
                given += 1
                if given == count:
                    return


def _weighted(values: Sequence[Any], power: float) -> tuple[Sequence[Any], Sequence[float]]:
    """Values that are drawn with a probability that falls with their rank (Zipf)."""
    return values, list(itertools.accumulate(1 / rank**power for rank in range(1, len(values) + 1)))


_LANGUAGES = _weighted(LANGUAGES, 1.1)


def _pick(r: random.Random, weighted: tuple[Sequence[Any], Sequence[float]]) -> Any:
    return r.choices(weighted[0], cum_weights=weighted[1])[0]
