"""Small worlds of models and data sets whose ground truth is known."""

from __future__ import annotations

import numpy as np

from zoo.history.records import History

KINDS = ("Classification", "Retrieval")


def world(models: int = 40, each: int = 8, noise: float = 0.1, seed: int = 0, missing: float = 0.0) -> History:
    """Two kinds of data sets, on each of which another ability of the models counts; scores are fractions."""
    random = np.random.default_rng(seed)
    abilities = random.normal(size=(models, 2))
    names, columns = [], []
    for kind, name in enumerate(KINDS):
        for number in range(each):
            names.append(f"{'ABCDEFGHIJ'[number]}lpha{name}")
            latent = abilities[:, kind] + noise * random.normal(size=models)
            columns.append(1.0 / (1.0 + np.exp(-(0.3 * number + 0.5 * latent))))
    scores = np.column_stack(columns)
    scores[random.random(scores.shape) < missing] = np.nan
    return History(tuple(f"team/model-{i}" for i in range(models)), tuple(names), scores, np.full(scores.shape, np.nan))
