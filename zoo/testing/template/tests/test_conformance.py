"""What zoo expects of every plugin and of every model; ``zoo plugins check acme`` runs the same."""

from collections.abc import Callable

from zoo.testing import parametrize_with_checks


@parametrize_with_checks("acme")
def test_conformance(check: Callable[[], None]) -> None:
    check()
