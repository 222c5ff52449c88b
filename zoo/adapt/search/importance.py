"""How much each setting of a search matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

REPEATS = 10
"""Bootstrap samples of the trials."""


def importances(complete: Sequence[FrozenTrial], names: Sequence[str], seed: int) -> dict[str, tuple[float, float]]:
    """Share of the variance of the score that each setting explains, with its standard error; largest first.

    Functional ANOVA on a random forest (Hutter, Hoos and Leyton-Brown, "An efficient approach for assessing
    hyperparameter importance", ICML 2014). The error is that over bootstrap samples of the trials.

    Args:
        complete: trials with a score.
        names: settings; those that some trials lack are left out.

    Returns:
        By setting; empty if all scores are equal.
    """
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    names = [name for name in names if all(name in one.params for one in complete)]
    if len({one.value for one in complete}) < 2 or not names:
        return {}
    generator, found = np.random.default_rng(seed), []
    for number in range(REPEATS + 1):
        drawn = generator.integers(len(complete), size=len(complete)) if number else range(len(complete))
        copy = optuna.create_study(direction="maximize")
        copy.add_trials([complete[int(at)] for at in drawn])
        if len({one.value for one in copy.trials}) > 1:
            evaluator = FanovaImportanceEvaluator(n_trees=32, seed=seed)
            found.append(get_param_importances(copy, evaluator=evaluator, params=names))
    shares = {name: (found[0][name], float(np.std([one[name] for one in found[1:]]))) for name in names}
    return dict(sorted(shares.items(), key=lambda item: -item[1][0]))
