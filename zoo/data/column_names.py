"""Usual names of columns."""

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
LABEL_SET_NAMES = (
    "labels",
    "tags",
    "topics",
    "categories",
    "genres",
    "classes",
    "keywords",
    "emotions",
    "subjects",
)
"""Columns of sets of labels, for tasks that predict them."""

SPLIT_NAMES = frozenset({"split", "fold", "subset", "partition", "data_split", "dataset_split"})
"""Columns with the split that a row belongs to, which are not labels."""
