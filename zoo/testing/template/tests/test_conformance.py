"""zoo's conformance suite; ``zoo plugins check acme`` runs the same checks."""

from collections.abc import Callable

from zoo.testing import parametrize_with_checks


@parametrize_with_checks("acme")
def test_conformance(check: Callable[[], None]) -> None:
    check()
