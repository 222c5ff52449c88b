"""Token classification: every word is a sample, and no fold separates the words of a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from zoo.errors import InvalidInput
from zoo.transfer.checks import as_array, check_features

IGNORED = -100


class Tokens(NamedTuple):
    """Words as samples, ready for ``zoo.transfer.measure.measure(names, *tokens[:2], groups=tokens.sentences)``.

    Attributes:
        features: n x d, of the words that have a label.
        targets: n class indices.
        sentences: n, which sentence each word is from.
    """

    features: np.ndarray
    targets: np.ndarray
    sentences: np.ndarray


def flatten(features: Sequence[Any], labels: Sequence[Any]) -> Tokens:
    """The labelled words of all sentences, concatenated.

    Args:
        features: of each sentence, words x d.
        labels: of each sentence, one class index per word; -100 marks what has no label, such as the later pieces of a
            word or padding, as is usual in token classification.

    Raises:
        InvalidInput: the numbers of sentences, or of words in one (named), differ; no word has a label; dimensions
            change.
    """
    if len(features) != len(labels):
        raise InvalidInput(f"There are features of {len(features)} sentences and labels of {len(labels)}.")
    rows: list[np.ndarray] = []
    targets, sentences = [], []
    for number, (words, marks) in enumerate(zip(features, labels, strict=True)):
        dimension = rows[0].shape[1] if rows else None
        table, given = check_features(words, dimension), as_array(marks, "labels")
        if given.shape != (len(table),):
            raise InvalidInput(
                f"Sentence {number} (counting from 0) has features of {len(table)} words and labels of shape "
                f"{given.shape}."
            )
        kept = given != IGNORED
        rows.append(table[kept])
        targets.append(given[kept])
        sentences.append(np.full(int(kept.sum()), number))
    if not any(len(part) for part in targets):
        raise InvalidInput("No word has a label.", f"Labels are class indices from 0; {IGNORED} marks words without.")
    return Tokens(np.concatenate(rows), np.concatenate(targets), np.concatenate(sentences))
