"""Every estimator against an independent computation from its published definition, with explicit loops and matrices."""

import warnings

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.special import logsumexp, softmax
from scipy.stats import spearmanr
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler
from test_logme import naive as naive_logme

from zoo.transfer import Statistics, score
from zoo.transfer.intervals import assign_groups
from zoo.transfer.scores import ridge as ridge_module
from zoo.transfer.scores.gbc import spherical_gbc


@pytest.fixture
def data(shifted_classes):
    """160 samples, 12 dimensions of different scale, 4 classes of different size; SFDA's shrinkage is then about 0.1."""
    x, y = shifted_classes(160, 12, 4)
    y[:30] = 0
    return 0.5 * x.astype(np.float64) * np.linspace(0.3, 1.3, 12) + 2.0, y


def within_and_total(x, y):
    within = sum((y == k).mean() * np.cov(x[y == k].T, bias=True) for k in np.unique(y))
    return within, np.cov(x.T, bias=True)


def shrunk(covariance, a):
    return (1 - a) * covariance + a * np.trace(covariance) / len(covariance) * np.eye(len(covariance))


def published_posteriors(x, y, a=None):
    """The analysis of SFDA, with generalised eigenvectors, as its authors write it down."""
    within, total = within_and_total(x, y)
    a = max(np.exp(-5 * np.linalg.eigvalsh(within)[-1]), 1e-10) if a is None else a
    inner = shrunk(within, a)
    vectors = eigh(shrunk(total, a) - inner, inner)[1]
    means = np.stack([x[y == k].mean(axis=0) for k in np.unique(y)])
    weights = means @ vectors @ vectors.T
    priors = np.bincount(y) / len(y)
    return softmax(x @ weights.T - 0.5 * np.diag(means @ weights.T) + np.log(priors), axis=1), a


def published_sfda(x, y):
    probability, a = published_posteriors(x, y)
    soft = softmax(probability, axis=1)
    means = np.stack([x[y == k].mean(axis=0) for k in np.unique(y)])
    moved = np.empty_like(x)
    for i in range(len(x)):
        others = (means.sum(axis=0) - means[y[i]]) / (len(means) - 1)
        moved[i] = soft[i, y[i]] * x[i] + (1 - soft[i, y[i]]) * others
    return published_posteriors(moved, y, a)[0][np.arange(len(y)), y].mean()


def published_ped(x, y):
    mean, deviation = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-3)
    z, first = (x - mean) / deviation, None
    for _ in range(6):
        classes = np.unique(y)
        means = [z[y == k].mean(axis=0) for k in classes]
        radius = [0.6 * np.sqrt(z[y == k].var(axis=0).sum()) for k in classes]
        move = np.zeros((len(classes), z.shape[1]))
        for i in classes:
            for j in classes:
                if i != j:
                    away = means[i] - means[j]
                    gap = np.linalg.norm(away)
                    move[i] += 0.5 * 0.1**2 * max(radius[i] + radius[j] - gap, 0) * away / gap
        size = np.abs(move).sum()
        first = first or size
        if not first or size / first <= 0.5:
            break
        z = z + move[y]
    return published_sfda(z * deviation + mean, y)


def published_ncti(x, y):
    """PCA and scikit-learn's discriminant analysis, as the authors combine them."""
    pca = PCA(min(64, x.shape[1]))
    reduced = pca.fit_transform(x)
    a = max(np.exp(-pca.explained_variance_[:32].sum()), 1e-10)
    analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage=None if a == 1e-10 else float(a))
    low = analysis.fit_transform(reduced, y)
    probability = analysis.predict_proba(reduced)
    seli = np.linalg.norm(low - low.mean(axis=0), ord="nuc")
    ncc = probability[np.arange(len(y)), y].mean()
    vc = np.log(sum(np.linalg.norm(probability[y == k], ord="nuc") for k in np.unique(y)))
    return seli, ncc, -vc


def bhattacharyya(means, variances, d):
    total = 0.0
    for i in range(len(means)):
        for j in range(len(means)):
            if i != j:
                mean = (variances[i] + variances[j]) / 2
                gap = ((means[i] - means[j]) ** 2).sum() / mean / 8
                total -= np.exp(-gap - 0.5 * d * np.log(mean / np.sqrt(variances[i] * variances[j])))
    return total


def published_gbc(x, y):
    classes = np.unique(y)
    means = [x[y == k].mean(axis=0) for k in classes]
    return bhattacharyya(means, [x[y == k].var(axis=0).mean() for k in classes], x.shape[1])


def published_transrate(x, y):
    x = x - x.mean(axis=0)

    def rate(z):
        return 0.5 * np.linalg.slogdet(np.eye(z.shape[1]) + 1e4 / len(z) * z.T @ z)[1]

    return rate(x) - sum((y == k).mean() * rate(x[y == k]) for k in np.unique(y))


def published_leep(probability, y):
    classes, (n, s) = np.unique(y), probability.shape
    joint = np.array([[probability[y == k, z].sum() / n for z in range(s)] for k in classes])
    return np.mean(
        [np.log(sum(joint[y[i], z] / joint[:, z].sum() * probability[i, z] for z in range(s))) for i in range(n)]
    )


def published_nce(probability, y):
    z, total = probability.argmax(axis=1), 0.0
    for k in np.unique(y):
        for source in np.unique(z):
            joint = np.mean((y == k) & (z == source))
            total += joint * np.log(joint / np.mean(z == source)) if joint else 0.0
    return total


def published_parc(x, labels):
    reduced = StandardScaler().fit_transform(PCA(min(32, x.shape[1])).fit_transform(x))
    pairs = np.triu_indices(len(x), 1)
    distances = [(1 - np.corrcoef(rows))[pairs].round(12) for rows in (reduced, labels)]
    return 100 * spearmanr(*distances)[0]


def nearest(x, i, k=5, allowed=None):
    distance = ((x - x[i]) ** 2).sum(axis=1)
    distance[i] = np.inf
    if allowed is not None:
        distance[~allowed] = np.inf
    return np.argsort(distance)[:k]


PUBLISHED = {
    "lda": lambda x, y: published_posteriors(x, y)[0][np.arange(len(y)), y].mean(),
    "sfda": published_sfda,
    "ped": published_ped,
    "ncti-seli": lambda x, y: published_ncti(x, y)[0],
    "ncti-ncc": lambda x, y: published_ncti(x, y)[1],
    "ncti-vc": lambda x, y: published_ncti(x, y)[2],
    "transrate": published_transrate,
    "gbc": published_gbc,  # 12 dimensions: the 64 principal components are a rotation
    "gbc-streamed": published_gbc,
    "parc": lambda x, y: published_parc(x, np.eye(4)[y]),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_definition(data, name):
    assert score(name, *data) == pytest.approx(PUBLISHED[name](*data), abs=1e-9)


@pytest.mark.parametrize("name", ["lda", "sfda", "ped", "ncti-seli", "ncti-ncc", "ncti-vc", "fisher"])
def test_features_of_large_variance_are_almost_not_shrunk(data, name):
    x, y = data[0] * 30, data[1]
    expected = published_fisher(x, y) if name == "fisher" else PUBLISHED[name](x, y)
    assert score(name, x, y) == pytest.approx(expected, rel=1e-7)


def published_fisher(x, y):
    within, total = within_and_total(x, y)
    a = max(np.exp(-5 * np.linalg.eigvalsh(within)[-1]), 1e-10)
    return np.trace(np.linalg.solve(shrunk(within, a), total - within))


def test_fisher_is_the_trace_of_explicit_matrices(data):
    assert score("fisher", *data) == pytest.approx(published_fisher(*data), abs=1e-9)


def test_lda_is_scikit_learns(data):
    x, y = data
    a = published_posteriors(x, y)[1]
    model = LinearDiscriminantAnalysis(solver="eigen", shrinkage=a).fit(x, y)
    assert score("lda", x, y) == pytest.approx(model.predict_proba(x)[np.arange(len(y)), y].mean(), abs=1e-9)


def test_gbc_reduces_to_64_principal_components(shifted_classes):
    x, y = shifted_classes(300, 90, 3)
    x = x.astype(np.float64) * np.linspace(0.2, 2, 90)
    assert score("gbc", x, y) == pytest.approx(published_gbc(PCA(64).fit_transform(x), y), rel=1e-9)
    assert spherical_gbc(Statistics(3, 90).update(x, y)) == pytest.approx(published_gbc(x, y), rel=1e-9)


def test_transrate_of_classes_smaller_than_the_dimension(shifted_classes):
    x, y = shifted_classes(60, 40, 4)
    assert score("transrate", x, y) == pytest.approx(published_transrate(x.astype(np.float64), y), rel=1e-9)


def test_sfda_and_ncti_where_dimensions_exceed_samples(shifted_classes):
    x, y = shifted_classes(50, 90, 3)
    x = 0.3 * x.astype(np.float64)
    for name in ("lda", "sfda", "ncti-seli", "ncti-ncc", "ncti-vc"):
        # scikit-learn's PCA gives no more components than samples.
        expected = PUBLISHED[name](x - x.mean(axis=0), y) if "ncti" not in name else None
        if expected is None:
            reduced = PCA(49).fit_transform(x)
            expected = PUBLISHED[name](reduced, y)
        assert score(name, x, y) == pytest.approx(expected, rel=1e-6), name


@pytest.mark.parametrize("kind", ["numbers", "labels"])
def test_logme_averages_over_the_outputs(data, kind):
    x, y = data
    targets = np.stack([x[:, 0] + 0.1 * y, x[:, 1] * 5 - 3.0, y], axis=1)
    targets = targets if kind == "numbers" else (targets > np.median(targets, axis=0)).astype(int)
    expected = np.mean([naive_logme(x, column.astype(float)) for column in targets.T])
    assert score("logme", x, targets) == pytest.approx(expected, abs=1e-9)


def test_statistics_of_several_outputs_merge_and_hold_their_products(data):
    x, y = data
    targets = np.stack([x[:, 0] + 100.0, y * 2.0], axis=1)
    parts = [Statistics(None, 12, outputs=2).update(x[i::3], targets[i::3]) for i in range(3)]
    whole = parts[0].merge(parts[1]).merge(parts[2])
    np.testing.assert_allclose(whole.target_products, targets.T @ targets, rtol=1e-12)
    np.testing.assert_allclose(whole.class_sums, targets.T @ x, rtol=1e-12)
    np.testing.assert_allclose(whole.target_mean, targets.mean(axis=0))


def test_class_spread_is_the_trace_of_each_class(data):
    x, y = data
    statistics = Statistics(5, 12).update(x[:70], y[:70]).merge(Statistics(5, 12).update(x[70:] + 0.0, y[70:]))
    expected = [((x[y == k] - x[y == k].mean(axis=0)) ** 2).sum() for k in range(4)]
    np.testing.assert_allclose(statistics.class_spread, expected, rtol=1e-10)
    np.testing.assert_allclose(statistics.class_centres[2], x[y == 2].mean(axis=0) - x.mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("kind", ["class", "number", "numbers", "labels"])
def test_ridge_is_plain_ridge_fold_by_fold(data, kind):
    x, y = data
    targets = {
        "class": y,
        "number": x[:, 0] + 0.5 * y,
        "numbers": np.stack([x[:, 0] + y, 9.0 * x[:, 3] - y], axis=1),
        "labels": np.stack([y > 1, y % 2 == 0], axis=1).astype(int),
    }[kind]
    fold_of = assign_groups(y if kind == "class" else np.zeros(len(y), int), 10, 0)
    outputs = np.eye(4)[y] if kind == "class" else targets.reshape(len(y), -1).astype(float)
    path = np.empty((10, len(ridge_module.PENALTIES)))
    for fold in range(10):
        train, test = fold_of != fold, fold_of == fold
        unit = ((x[train] - x[train].mean(axis=0)) ** 2).sum() / 12
        for i, penalty in enumerate(ridge_module.PENALTIES):
            predicted = Ridge(alpha=penalty * unit).fit(x[train], outputs[train]).predict(x[test])
            error = ((predicted.reshape(outputs[test].shape) - outputs[test]) ** 2).sum(axis=0)
            base = ((outputs[test] - outputs[train].mean(axis=0)) ** 2).sum(axis=0)
            path[fold, i] = 1 - (error.sum() / base.sum() if kind == "class" else (error / base).mean())
    assert score("ridge", x, targets) == pytest.approx(path.mean(axis=0).max(), abs=1e-9)


def test_nleep_is_leep_of_a_mixture(data):
    x, y = data
    reduced = PCA(0.8).fit_transform(x)
    reduced /= np.sqrt((reduced**2).mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mixture = GaussianMixture(20, random_state=0).fit(reduced)
    assert score("nleep", x, y) == pytest.approx(published_leep(mixture.predict_proba(reduced), y), abs=1e-9)


@pytest.mark.parametrize("name", ["leep", "nce"])
def test_source_class_estimators(data, name):
    x, y = data
    probability = softmax(x[:, :7], axis=1)
    probability[:, 3] = 0.0  # a source class that is never seen
    probability /= probability.sum(axis=1, keepdims=True)
    published = published_leep if name == "leep" else published_nce
    seen = np.delete(probability, 3, axis=1)
    assert score(name, probability, y) == pytest.approx(published(seen, y), abs=1e-9)


def test_parc_of_several_labels(data):
    x, y = data
    labels = np.eye(4, dtype=int)[y]
    labels[:, 3] |= y == 1
    assert score("parc", x, labels) == pytest.approx(published_parc(x, labels), abs=1e-9)


def test_neighbours_one_by_one(data):
    x, y = data
    right = []
    for i in range(len(y)):
        found = nearest(x, i)
        votes = np.bincount(y[found], minlength=4)
        near = [((x[found][y[found] == k] - x[i]) ** 2).sum() for k in range(4)]
        right.append(max(range(4), key=lambda k: (votes[k], -near[k])) == y[i])
    assert score("knn", x, y) == pytest.approx(np.mean(right))
    number = x[:, 2] + 0.1 * y
    error = [(number[nearest(x, i)].mean() - number[i]) ** 2 for i in range(len(y))]
    assert score("knn", x, number) == pytest.approx(1 - np.mean(error) / number.var(), abs=1e-9)


def test_logistic_probe_is_scikit_learns(data):
    x, y = data
    fold_of = assign_groups(y, 5, 0)
    right = []
    for fold in range(5):
        scaler = StandardScaler().fit(x[fold_of != fold])
        model = LogisticRegression(max_iter=200).fit(scaler.transform(x[fold_of != fold]), y[fold_of != fold])
        right.append(model.score(scaler.transform(x[fold_of == fold]), y[fold_of == fold]))
    assert score("logistic-probe", x, y) == pytest.approx(np.mean(right))


def test_energy_of_the_lowest_samples(data):
    x, y = data
    assert score("energy", x, y) == pytest.approx(logsumexp(x, axis=1).min(), abs=1e-9)
    many = np.vstack([x + 0.01 * i for i in range(5)])
    expected = np.sort(logsumexp(many, axis=1))[:4].mean()
    assert score("energy", many, np.tile(y, 5)) == pytest.approx(expected, abs=1e-9)
