"""BLIP of transformers (Li et al., "BLIP", 2022): captions of images, and answers to questions about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from torch import nn
from torch.nn import functional

from zoo.errors import DataError
from zoo.kinds.answers import Answer
from zoo.loading.quiet import quiet
from zoo.loading.transformers import IGNORE, load_model, load_part, load_tokenizer
from zoo_multimodal.image_text_backbone import ImageBackbone, Towers
from zoo_multimodal.questions import ImageQuestion

if TYPE_CHECKING:
    from PIL.Image import Image

    from zoo.contract.backbone import Learner
    from zoo.entities import LocalFiles, ModelCard

CAPTIONING, ANSWERING = "image-to-text", "visual-question-answering"
TASKS = {"BlipForConditionalGeneration": CAPTIONING, "BlipForQuestionAnswering": ANSWERING}
"""The task of each class of transformers."""

_AT_ONCE = 16
_LONGEST = 64
"""Maximum tokens of a caption or an answer."""


class BlipTower(Towers):
    """The image encoder; its vector is that of the class token after the final norm."""

    def __init__(self, encoder: Any, processor: Any) -> None:
        super().__init__()
        self.encoder, self._processor = encoder, processor
        self.dimension = int(encoder.config.hidden_size)

    def pixels(self, image: Image) -> torch.Tensor:
        """As the model's own image processor has it."""
        values = self._processor(images=image, return_tensors="np")["pixel_values"][0]
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))

    def images(self, pixels: torch.Tensor) -> torch.Tensor:
        """Vectors of images, batch x d."""
        return self.encoder(pixel_values=pixels).pooler_output


class BlipBackbone(ImageBackbone):
    """The image encoder for features, and the whole model for texts.

    Attributes:
        model: the whole model.
        tokenizer: its tokenizer.
        task: the task that it was published for.
    """

    layers = ("pooled",)

    def __init__(
        self, card: ModelCard, model: Any, processor: Any, tokenizer: Any, task: str, *, device: str, dtype: str
    ) -> None:
        super().__init__(card, BlipTower(model.vision_model, processor), device=device, dtype=dtype)
        self.model = model.to(device=device, dtype=next(self.module.parameters()).dtype).eval()
        self.tokenizer, self.task = tokenizer, task
        # Texts begin with the decoder's own start token, not with the tokenizer's.
        self.first = int(model.config.text_config.bos_token_id)
        self.most_tokens = min(_LONGEST, int(model.config.text_config.max_position_embeddings))

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> Sequence[Any] | None:
        """A caption of each image, or the answer to each question; None if it was published for another task.

        Raises:
            DataError: an input is not an image, or not a question about one.
        """
        if task != self.task:
            return None
        return self._captions(inputs) if task == CAPTIONING else self._answers(inputs)

    def learner(self, task: str, classes: Sequence[str]) -> Learner | None:
        """A learner for captions or answers; None for a task that the model was not published for."""
        return Writer(self) if task == self.task else None

    def shown(self, item: Any) -> torch.Tensor:
        """The pixels of an input: an image, or the image that a question is about."""
        if self.task != ANSWERING:
            return self.preprocess(item)
        if not isinstance(item, ImageQuestion):
            raise DataError(f"'{self.card.id}' takes questions about images, not {type(item).__name__}.")
        return self.preprocess(item.image)

    def tokens(self, text: str) -> list[int]:
        """A text with its start and end tokens, truncated to the model's context."""
        found: list[int] = self.tokenizer(text, truncation=True, max_length=self.most_tokens)["input_ids"]
        return found

    def _captions(self, inputs: Sequence[Any]) -> list[str]:
        texts: list[str] = []
        for start in range(0, len(inputs), _AT_ONCE):
            pixels = self._placed([self.shown(item) for item in inputs[start : start + _AT_ONCE]])
            texts += self._written(pixel_values=pixels)
        return texts

    def _answers(self, inputs: Sequence[Any]) -> list[Answer]:
        """Questions of one length at a time: the model attends to padding."""
        answers: list[Any] = [None] * len(inputs)
        questions = [self.tokens(item.question) if isinstance(item, ImageQuestion) else [] for item in inputs]
        order = sorted(range(len(inputs)), key=lambda at: len(questions[at]))
        while order:
            members = [at for at in order[:_AT_ONCE] if len(questions[at]) == len(questions[order[0]])]
            order = order[len(members) :]
            pixels = self._placed([self.shown(inputs[at]) for at in members])
            asked = torch.tensor([questions[at] for at in members], device=self.device)
            for at, text in zip(members, self._written(pixel_values=pixels, input_ids=asked), strict=True):
                answers[at] = Answer(text)
        return answers

    def _placed(self, pixels: Sequence[torch.Tensor]) -> torch.Tensor:
        return self.collate(pixels).to(self.device, next(self.module.parameters()).dtype)

    def _written(self, **inputs: torch.Tensor) -> list[str]:
        with torch.inference_mode(), quiet():
            tokens = self.model.generate(**inputs, max_new_tokens=self.most_tokens - 2)
        # The first token is the decoder's, which the tokenizer may not know.
        return [text.strip() for text in self.tokenizer.batch_decode(tokens[:, 1:], skip_special_tokens=True)]


class Writer:
    """Trains and uses a BLIP, all of it pretrained, with the cross entropy of its output tokens.

    Attributes:
        module: maps a batch with ``written`` to the mean loss of each text, batch x 1.
    """

    classes = ()
    independent_losses = True

    def __init__(self, backbone: BlipBackbone) -> None:
        self.backbone, self.pretrained = backbone, backbone.model
        self.module = _Losses(backbone.model)

    def example(self, item: Any, target: Any) -> tuple[torch.Tensor, list[int], list[int]]:
        """Pixels, the tokens of the question if there is one, and those of the text: of several answers the first."""
        text = target if isinstance(target, str) else target[0]
        asked = self.backbone.tokens(item.question) if isinstance(item, ImageQuestion) else []
        return self.backbone.shown(item), asked, [self.backbone.first, *self.backbone.tokens(text)[1:]]

    def collate(self, examples: Sequence[tuple[torch.Tensor, list[int], list[int]]]) -> dict[str, torch.Tensor]:
        """Pixels, and tokens padded on the right with their masks."""
        batch = {"pixels": self.backbone.collate([pixels for pixels, _, _ in examples])}
        batch["written"], batch["counted"] = self._padded([written for _, _, written in examples])
        if examples[0][1]:
            batch["asked"], batch["heard"] = self._padded([asked for _, asked, _ in examples])
        return batch

    def predict(self, inputs: Sequence[Any]) -> list[Any]:
        """The caption of each image, or the answer to each question."""
        self.module.eval()
        return list(self.backbone.answer(self.backbone.task, inputs) or ())

    def _padded(self, rows: Sequence[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        longest, padding = max(map(len, rows)), int(self.backbone.tokenizer.pad_token_id)
        tokens = [[*row, *[padding] * (longest - len(row))] for row in rows]
        return torch.tensor(tokens), torch.tensor([[at < len(row) for at in range(longest)] for row in rows]).long()


class _Losses(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self._smoothing = float(model.config.text_config.label_smoothing)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        seen = self.model.vision_model(pixel_values=batch["pixels"]).last_hidden_state
        mask = None
        if "asked" in batch:
            mask = batch["heard"]
            seen = self.model.text_encoder(
                input_ids=batch["asked"], attention_mask=mask, encoder_hidden_states=seen
            ).last_hidden_state
        written, counted = batch["written"], batch["counted"]
        logits = self.model.text_decoder(
            input_ids=written, attention_mask=counted, encoder_hidden_states=seen, encoder_attention_mask=mask
        ).logits
        losses = functional.cross_entropy(
            logits[:, :-1].float().transpose(1, 2), written[:, 1:], reduction="none", label_smoothing=self._smoothing
        )
        return ((losses * counted[:, 1:]).sum(dim=1) / counted[:, 1:].sum(dim=1).clamp(min=1)).unsqueeze(1)


def load(card: ModelCard, files: LocalFiles, architecture: str, device: str, dtype: str) -> BlipBackbone:
    """The backbone of a folder with a BLIP that generates text.

    Raises:
        UnsupportedModel: its weights lack tensors of the architecture.
    """
    processor = load_part(transformers.AutoImageProcessor, card, files.root)
    tokenizer = load_tokenizer(card, files.root, "multimodal")
    model = load_model(getattr(transformers, architecture), card, files.root, unexpected=IGNORE)
    return BlipBackbone(card, model, processor, tokenizer, TASKS[architecture], device=device, dtype=dtype)
