"""Published heads of transformers models: for classes, entities, answers to questions and translations."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers

from zoo.errors import DataError, UnsupportedModel
from zoo.loading.quiet import quiet
from zoo.loading.transformers import load_config, load_published_head, load_tokenizer
from zoo_language.answers import answering
from zoo_language.classifier import classified
from zoo_language.entities import tagging
from zoo_language.translation.languages import check, codes, find, iso, pair

if TYPE_CHECKING:
    from zoo.kinds.answers import Answer
    from zoo_language.entities.spans import NamedEntities
    from zoo_language.text_model import TextModel

_AT_ONCE = 16
_LONGEST = 256
"""Maximum tokens of a translation."""

_LISTED = re.compile(r"translation_([a-z]{2})_to_([a-z]{2})\Z")


def answer(
    backbone: TextModel, folder: Path, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()
) -> Sequence[Any] | None:
    """Answers of the published head; None for other tasks, and if the checkpoint has no such head."""
    if task == "text-classification":
        return classified(backbone, folder, inputs)
    if task == "token-classification":
        return tagged(backbone, folder, inputs)
    if task == "question-answering":
        return answered(backbone, folder, inputs)
    return translated(backbone, folder, inputs, labels) if task == "translation" else None


def tagged(backbone: TextModel, folder: Path, inputs: Sequence[str]) -> list[NamedEntities] | None:
    """The entities of each text; None if the checkpoint has no trained NER head."""
    kind = transformers.AutoModelForTokenClassification
    model = _kept(backbone, "entities", lambda: _model(folder, "ForTokenClassification", kind, backbone.device))
    if model is None:
        return None
    classes = [str(model.config.id2label[index]) for index in range(model.config.num_labels)]
    return tagging.tag(backbone, inputs, lambda batch: model(**batch).logits, classes)


def answered(backbone: TextModel, folder: Path, inputs: Sequence[Any]) -> list[Answer] | None:
    """The answer to each question; None if the checkpoint has no trained question-answering head."""
    kind = transformers.AutoModelForQuestionAnswering
    model = _kept(backbone, "answers", lambda: _model(folder, "ForQuestionAnswering", kind, backbone.device))
    if model is None:
        return None

    def logits(batch: Any) -> torch.Tensor:
        outputs = model(**batch)
        return torch.stack([outputs.start_logits, outputs.end_logits], dim=-1)

    return [answering.find(backbone, item, logits) for item in inputs]


def translated(
    backbone: TextModel, folder: Path, inputs: Sequence[str], languages: Sequence[str] = ()
) -> list[str] | None:
    """The output text for each text; None if the checkpoint is not a sequence-to-sequence model.

    Raises:
        InvalidInput: the model does not translate between the languages.
    """
    if not _is_translator(folder):
        return None
    named = ",".join(languages)
    translator: Translator = _kept(backbone, f"translator {named}", lambda: Translator(backbone, folder, languages))
    check(backbone.card.id, languages, translator.own)
    return translator.predict(inputs)


class Translator:
    """Trains and uses a sequence-to-sequence model such as Marian, T5 or NLLB, all of it pretrained.

    Attributes:
        module: maps a batch with ``labels`` to the mean loss of its tokens, batch x 1.
        classes: source and target language, in the model's codes if it needs them; else as given.
        own: language pairs of a model published for few; empty for others, and if unknown.
    """

    def __init__(self, backbone: TextModel, folder: Path, languages: Sequence[str] = ()) -> None:
        self.backbone = backbone
        model = _model(folder, "", transformers.AutoModelForSeq2SeqLM, backbone.device)
        if model is None:
            raise UnsupportedModel(f"The weights of '{backbone.card.id}' lack its decoder.", "Pull the model again.")
        # A separate tokenizer: language settings must not change the model's features.
        self.tokenizer = load_tokenizer(backbone.card, folder, "language")
        self.pretrained = model
        self.module = _Losses(model)
        self._prefix = ""
        self._forced: dict[str, Any] = {}
        self.classes = tuple(languages)
        self.own: tuple[tuple[str, str], ...] = ()
        if known := codes(self.tokenizer):
            self._choose(languages, known)
            return
        prefixes = _prefixes(model.config)
        source, target = (getattr(self.tokenizer, f"{side}_lang", None) for side in ("source", "target"))
        own = ((source, target),) if source and target and iso(source) and iso(target) else ()
        self.own = tuple(prefixes) or own
        spoken = tuple(map(iso, languages))
        self._prefix = next((prefix for pair, prefix in prefixes.items() if pair == spoken), "")

    def check(self, model: str, languages: Sequence[str]) -> None:
        """Raise ``InvalidInput`` for languages other than those that the model was trained on."""
        check(model, languages, (self.classes,) if self.classes else self.own)

    def example(self, item: Any, target: Any) -> tuple[dict[str, list[int]], list[int]]:
        """Tokens of the text and of its translation."""
        limit = self.backbone.max_tokens
        labels = self.tokenizer(text_target=str(target), truncation=True, max_length=limit)["input_ids"]
        return self._tokens(item), list(labels)

    def collate(self, examples: Sequence[tuple[dict[str, list[int]], list[int]]]) -> dict[str, torch.Tensor]:
        """Padded on the right; the padding of the translations does not count."""
        batch = self.backbone.collate([tokens for tokens, _ in examples])
        longest = max(len(labels) for _, labels in examples)
        rows = [[*labels, *[-100] * (longest - len(labels))] for _, labels in examples]
        return {**batch, "labels": torch.tensor(rows)}

    def predict(self, inputs: Sequence[Any]) -> list[str]:
        """The translation of each text."""
        self.module.eval()
        texts: list[str] = []
        for start in range(0, len(inputs), _AT_ONCE):
            batch = self.backbone.collate([self._tokens(text) for text in inputs[start : start + _AT_ONCE]])
            with torch.inference_mode(), quiet():
                tokens = self.pretrained.generate(
                    **{name: tensor.to(self.backbone.device) for name, tensor in batch.items()},
                    max_new_tokens=min(_LONGEST, 2 * batch["input_ids"].shape[1] + 16),
                    **self._forced,
                )
            texts += self.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return [text.strip() for text in texts]

    def _choose(self, languages: Sequence[str], known: dict[str, str]) -> None:
        """Set the languages of a model that needs them: by tokens, or by Marian's prefix of each text."""
        model, tokenizer = self.backbone.card.id, self.tokenizer
        if any(token.startswith(">>") for token in known.values()):
            target = find(languages[1], known) if len(languages) == 2 else None
            if languages and target is None and len(known) > 1:
                pair(model, languages, known, ())
            if target:
                self.classes, self._prefix = (languages[0], target), f"{known[target]} "
            return
        own = (getattr(tokenizer, "src_lang", None), getattr(tokenizer, "tgt_lang", None))
        self.classes = pair(model, languages, known, own)
        tokenizer.src_lang, tokenizer.tgt_lang = self.classes
        self._forced = {"forced_bos_token_id": tokenizer.convert_tokens_to_ids(known[self.classes[1]])}

    def _tokens(self, text: Any) -> dict[str, list[int]]:
        if not isinstance(text, str):
            raise DataError(f"'{self.backbone.card.id}' takes texts, not {type(text).__name__}.")
        limit = self.backbone.max_tokens
        return {"input_ids": list(self.tokenizer(self._prefix + text, truncation=True, max_length=limit)["input_ids"])}


def _prefixes(config: Any) -> dict[tuple[str, str], str]:
    """T5's prefix of a text, by source and target, as listed in its configuration."""
    listed = getattr(config, "task_specific_params", None) or {}
    found = {(match[1], match[2]): listed[name] for name in listed if (match := _LISTED.match(name))}
    return {languages: str((given or {}).get("prefix", "")) for languages, given in found.items()}


class _Losses(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        loss = self.model(**batch).loss
        return loss.expand(len(batch["input_ids"]), 1)


def learner(
    backbone: TextModel, folder: Path, task: str, classes: Sequence[str]
) -> tagging.TagLearner | answering.AnswerLearner | Translator | None:
    """A learner for a task with structured targets; None for tasks without a head."""
    if task == "token-classification":
        return tagging.TagLearner(backbone, classes)
    if task == "question-answering":
        return answering.AnswerLearner(backbone)
    if task == "translation" and _is_translator(folder):
        return Translator(backbone, folder, classes)
    return None


def _kept(backbone: TextModel, name: str, make: Callable[[], Any]) -> Any:
    """The head of the last call, if it is the same, so that weights are read once for all batches."""
    if name not in backbone.kept:
        backbone.kept.clear()
        backbone.kept[name] = make()
    return backbone.kept[name]


def _is_translator(folder: Path) -> bool:
    return bool(load_config(folder).is_encoder_decoder)


def _model(folder: Path, ending: str, kind: Any, device: str) -> Any:
    """The checkpoint with its own head; None if it was saved without a head, or lacks its tensors."""
    config = load_config(folder)
    if ending and not any(ending in name for name in config.architectures or ()):
        return None
    model = load_published_head(kind, folder, config=config)
    return None if model is None else model.to(device).eval()
