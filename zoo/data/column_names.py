"""Names that columns of tables usually have."""

from __future__ import annotations

TEXT_NAMES = (
    "text",
    "sentence",
    "content",
    "review",
    "body",
    "message",
    "comment",
    "tweet",
    "document",
    "article",
    "abstract",
    "description",
    "question",
    "utterance",
    "headline",
    "title",
    "prompt",
    "input",
    "query",
)
CAPTION_NAMES = (
    "caption",
    "captions",
    "text",
    "transcription",
    "transcript",
    "sentence",
    "translation",
    "title",
    "description",
    "answer",
)
"""Columns of running text that a task's outputs are compared with."""

LABEL_NAMES = (
    "label",
    "labels",
    "class",
    "target",
    "category",
    "y",
    "sentiment",
    "intent",
    "topic",
    "class_name",
    "label_name",
    "species",
    "genre",
    "emotion",
    "language",
    "lang",
    "rating",
    "stars",
    "score",
    "type",
    "kind",
    "tag",
    "output",
)
SPLIT_NAMES = frozenset({"split", "fold", "subset", "partition", "data_split", "dataset_split"})
"""Columns that say which part of the data set a row belongs to, and not what it is."""
