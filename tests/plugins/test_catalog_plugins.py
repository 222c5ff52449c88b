"""The audio, multimodal and scientific plugins, found through their entry points like anyone else's."""

from __future__ import annotations

import pytest

from zoo.entities import BenchmarkScore, ModelCard
from zoo.plugins import Plugins
from zoo.tasks import Domain


@pytest.mark.parametrize("name", ["audio", "multimodal", "scientific"])
def test_the_domain_serves_its_tasks_and_knows_its_models(name: str) -> None:
    plugins = Plugins()
    [domain] = [found for found in plugins.items("zoo_domains", Domain) if found.name == name]
    assert {task.domain for task in domain.tasks} == {name}
    assert domain.description.endswith(".")
    found = [item for plugin, items in plugins.each("zoo_cards") if plugin == name for item in items]
    cards = [item for item in found if isinstance(item, ModelCard)]
    assert {card.domain for card in cards} == {name}
    assert {item.model for item in found if isinstance(item, BenchmarkScore)} <= {card.id for card in cards}
    assert [report.error for report in plugins.reports if report.name == name] == [""]
