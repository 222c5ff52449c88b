"""Which model a metric uses: the configured one, that of the environment, or the default; loaded once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import zoo.features
from zoo.config import configure
from zoo.errors import DataError, UnknownModel
from zoo.features import metric_models
from zoo.features.metric_models import MetricModel, check
from zoo.features.permission import Permission

MODEL = MetricModel("hum_model", "pkg:hum", former="ZOO_HUMMER")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ZOO_HUM_MODEL", "ZOO_HUMMER", "ZOO_SPARE_MODEL"):
        monkeypatch.delenv(variable, raising=False)
    metric_models._loaded.cache_clear()


def test_the_nearest_choice_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MODEL.id == "pkg:hum"
    monkeypatch.setenv("ZOO_HUMMER", "pkg:former")
    assert MODEL.id == "pkg:former"
    monkeypatch.setenv("ZOO_HUM_MODEL", " pkg:now ")
    assert MODEL.id == "pkg:now"
    configure(hum_model="pkg:configured")
    try:
        assert MODEL.id == "pkg:configured"
    finally:
        configure(hum_model=None)


def test_off_and_a_missing_default_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HUM_MODEL", "off")
    with pytest.raises(DataError, match="ZOO_HUM_MODEL names none"):
        MODEL.load()
    with pytest.raises(DataError, match="ZOO_SPARE_MODEL names none") as caught:
        MetricModel("spare_model").load()
    assert caught.value.hint == "Run: export ZOO_SPARE_MODEL=MODEL"


def test_only_what_the_user_chose_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(reference: str) -> Any:
        loaded.append(reference)
        if reference != "pkg:known":
            raise UnknownModel(f"There is no model '{reference}'.")
        return SimpleNamespace(card=reference, permission=Permission())

    monkeypatch.setattr(zoo.features, "load", load)
    check([MODEL])
    monkeypatch.setenv("ZOO_HUM_MODEL", "off")
    check([MODEL])
    assert loaded == []
    monkeypatch.setenv("ZOO_HUM_MODEL", "pkg:misspelt")
    with pytest.raises(UnknownModel):
        check([MODEL])
    monkeypatch.setenv("ZOO_HUM_MODEL", "pkg:known")
    assert [MODEL.load().card, MODEL.load().card] == ["pkg:known", "pkg:known"]
    assert loaded == ["pkg:misspelt", "pkg:known"]
