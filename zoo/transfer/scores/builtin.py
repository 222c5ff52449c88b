"""The built-in estimators."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from zoo.contract.estimator import Estimator, Measured, Statistics
from zoo.transfer.measure import cross_validated, gather
from zoo.transfer.scores import ncti
from zoo.transfer.scores.discriminant import fisher
from zoo.transfer.scores.energy import energy
from zoo.transfer.scores.gbc import gbc, spherical_gbc
from zoo.transfer.scores.hscore import hscore
from zoo.transfer.scores.leep import leep, nce
from zoo.transfer.scores.linear_probe import linear_probe
from zoo.transfer.scores.logistic_probe import logistic_probe, measure_logistic
from zoo.transfer.scores.logme import logme
from zoo.transfer.scores.neighbours import measure_neighbours, neighbours
from zoo.transfer.scores.nleep import measure_nleep, nleep
from zoo.transfer.scores.parc import parc
from zoo.transfer.scores.ped import ped
from zoo.transfer.scores.ridge import explained
from zoo.transfer.scores.sfda import lda, sfda
from zoo.transfer.scores.transrate import transrate

ANY = ("class", "classes", "number")


def _scored(from_statistics: Callable[[Statistics], float]) -> Callable[[np.ndarray, np.ndarray], float]:
    def score(features: np.ndarray, targets: np.ndarray) -> float:
        return from_statistics(gather(features, targets, int(targets.max()) + 1 if targets.dtype.kind == "i" else None))

    return score


def _probe_score(features: np.ndarray, targets: np.ndarray) -> float:
    return linear_probe(features, targets).mean


def _probe_measure(features: np.ndarray, targets: np.ndarray, seed: int, groups: np.ndarray | None) -> Measured:
    result = linear_probe(features, targets, seed=seed, groups=groups)
    return Measured(result.mean, *result.interval, result.contributions)


ESTIMATORS = (
    Estimator(
        "logme",
        "LogME",
        _scored(logme),
        ANY,
        unit="nats per sample",
        reference="You et al., LogME: Practical Assessment of Pre-trained Models for Transfer Learning, ICML "
        "2021, section 4.2",
        range="any real number; comparable between models on the same targets only",
        from_statistics=logme,
    ),
    Estimator(
        "hscore",
        "Shrinkage H-score",
        _scored(hscore),
        ("class",),
        words="shrinkage H-score",
        reference="Ibrahim, Ponomareva and Mazumder, Newer is not always better: Rethinking Transferability "
        "Metrics, ECML-PKDD 2022, shrinkage-based H-score",
        range="0 to about the number of classes less one",
        bounds=(0.0, math.inf),
        from_statistics=hscore,
    ),
    Estimator(
        "linear-probe",
        "Cross-validated linear probe",
        _probe_score,
        ANY,
        words="cross-validated linear-probe {unit}",
        unit="accuracy",
        unit_otherwise="R²",
        reference="Ridge regression, 5 folds, penalty by leaving one out (Allen, 1974)",
        range="0 to 1 for classes; at most 1 for numbers and labels",
        bounds=(0.0, 1.0),
        bounds_otherwise=(-math.inf, 1.0),
        measure=_probe_measure,
        grouped=True,
    ),
    Estimator(
        "ridge",
        "Cross-validated ridge regression",
        cross_validated(explained),
        ANY,
        words="cross-validated ridge {unit}",
        unit="R²",
        reference="Hoerl and Kennard, Ridge Regression, Technometrics 12 (1970), equation 2.3; 10 folds from "
        "their statistics",
        range="at most 1, on held-out samples; for classes of their indicators, a Brier skill score",
        bounds=(-math.inf, 1.0),
        chance=0.0,
        held_out=explained,
    ),
    Estimator(
        "fisher",
        "Fisher criterion",
        _scored(fisher),
        ("class",),
        reference="Shao et al., Not All Models Are Equal (SFDA), ECCV 2022, section 3: regularised Fisher "
        "discriminants",
        range="0 or more",
        bounds=(0.0, math.inf),
        from_statistics=fisher,
    ),
    Estimator(
        "lda",
        "LDA posterior",
        lda,
        ("class",),
        words="mean LDA {unit} of the true class",
        unit="probability",
        reference="Shao et al., SFDA, ECCV 2022, the first step; Gholami et al., ETran, ICCV 2023, S_cls",
        range="0 to 1",
        bounds=(0.0, 1.0),
    ),
    Estimator(
        "sfda",
        "SFDA",
        sfda,
        ("class",),
        words="SFDA {unit} of the true class",
        unit="probability",
        reference="Shao et al., Not All Models Are Equal (SFDA), ECCV 2022, sections 3.1 to 3.3",
        range="0 to 1",
        bounds=(0.0, 1.0),
    ),
    Estimator(
        "ped",
        "PED",
        ped,
        ("class",),
        words="PED {unit} of the true class",
        unit="probability",
        reference="Li et al., Exploring Model Transferability through the Lens of Potential Energy, ICCV 2023, "
        "with SFDA",
        range="0 to 1",
        bounds=(0.0, 1.0),
    ),
    Estimator(
        "ncti-seli",
        "NCTI, simplex",
        _scored(ncti.seli),
        ("class",),
        words="NCTI simplex norm",
        reference="Wang et al., How Far Pre-trained Models Are from Neural Collapse, ICCV 2023, simplex encoded labels",
        range="0 or more, grows with the root of the samples",
        bounds=(0.0, math.inf),
        from_statistics=ncti.seli,
    ),
    Estimator(
        "ncti-ncc",
        "NCTI, nearest centre",
        ncti.ncc,
        ("class",),
        words="NCTI nearest-centre {unit} of the true class",
        unit="probability",
        reference="Wang et al., How Far Pre-trained Models Are from Neural Collapse, ICCV 2023, nearest-centre "
        "classification",
        range="0 to 1",
        bounds=(0.0, 1.0),
    ),
    Estimator(
        "ncti-vc",
        "NCTI, variability collapse",
        ncti.vc,
        ("class",),
        words="NCTI variability collapse",
        reference="Wang et al., How Far Pre-trained Models Are from Neural Collapse, ICCV 2023, within-class "
        "variability",
        range="0 or less, falls with the logarithm of the samples",
        bounds=(-math.inf, 0.0),
    ),
    Estimator(
        "transrate",
        "TransRate",
        transrate,
        ("class",),
        unit="nats",
        reference="Huang et al., Frustratingly Easy Transferability Estimation, ICML 2022, section 4",
        range="about 0 or more",
    ),
    Estimator(
        "gbc",
        "GBC",
        gbc,
        ("class",),
        words="GBC class separability",
        reference="Pandy et al., Transferability Estimation using Bhattacharyya Class Separability, CVPR 2022, "
        "equations 2 to 4",
        range="-K (K - 1) to 0",
        bounds=(-math.inf, 0.0),
    ),
    Estimator(
        "gbc-streamed",
        "GBC in all dimensions",
        _scored(spherical_gbc),
        ("class",),
        words="GBC class separability in all dimensions",
        reference="Pandy et al., Transferability Estimation using Bhattacharyya Class Separability, CVPR 2022, "
        "equations 2 to 4",
        range="-K (K - 1) to 0; comparable between models of one dimension only",
        bounds=(-math.inf, 0.0),
        from_statistics=spherical_gbc,
    ),
    Estimator(
        "nleep",
        "NLEEP",
        nleep,
        ("class",),
        unit="nats per sample",
        reference="Li et al., Ranking Neural Checkpoints, CVPR 2021, section 3.2",
        range="0 or less",
        bounds=(-math.inf, 0.0),
        measure=measure_nleep,
        grouped=True,
    ),
    Estimator(
        "parc",
        "PARC",
        parc,
        ("class", "classes"),
        words="PARC correlation",
        reference="Bolya, Mittapalli and Hoffman, Scalable Diverse Model Selection, NeurIPS 2021, section 4",
        range="-100 to 100, 100 times a rank correlation",
        bounds=(-100.0, 100.0),
        chance=0.0,
    ),
    Estimator(
        "knn",
        "Nearest neighbours",
        neighbours,
        ANY,
        words="nearest-neighbour {unit}",
        unit="accuracy",
        unit_otherwise="R²",
        reference="Leave-one-out 5 nearest neighbours; Renggli et al., Which Model to Transfer?, CVPR 2022",
        range="0 to 1 for classes; at most 1 for numbers and labels",
        bounds=(0.0, 1.0),
        bounds_otherwise=(-math.inf, 1.0),
        measure=measure_neighbours,
        grouped=True,
    ),
    Estimator(
        "logistic-probe",
        "Cross-validated logistic probe",
        logistic_probe,
        ("class", "classes"),
        words="cross-validated logistic-probe {unit}",
        unit="accuracy",
        reference="Kornblith, Shlens and Le, Do Better ImageNet Models Transfer Better?, CVPR 2019, linear "
        "evaluation; 5 folds",
        range="0 to 1",
        bounds=(0.0, 1.0),
        measure=measure_logistic,
        grouped=True,
    ),
    Estimator(
        "energy",
        "ETran energy",
        energy,
        ANY,
        unit="nats",
        reference="Gholami et al., ETran: Energy-Based Transferability Estimation, ICCV 2023, S_en",
        range="any real number",
    ),
    Estimator(
        "leep",
        "LEEP",
        leep,
        ("class",),
        unit="nats per sample",
        reference="Nguyen et al., LEEP: A New Measure to Evaluate Transferability, ICML 2020, equation 2",
        range="0 or less",
        bounds=(-math.inf, 0.0),
        takes="probabilities",
    ),
    Estimator(
        "nce",
        "NCE",
        nce,
        ("class",),
        unit="nats per sample",
        reference="Tran et al., Transferability and Hardness of Supervised Classification Tasks, ICCV 2019, equation 8",
        range="-log K to 0",
        bounds=(-math.inf, 0.0),
        takes="probabilities",
    ),
)
