"""The conformance suite for plugin authors: from the command line, or as a pytest plugin.

``zoo plugins check NAME`` runs it. In a plugin's own tests, two lines do::

    from zoo.testing import parametrize_with_checks

    @parametrize_with_checks("poetry")
    def test_conformance(check):
        check()

``pytest -p zoo.testing.pytest_plugin --zoo-plugin poetry`` collects the same checks without any file.
"""

from __future__ import annotations

from zoo.testing.suite import BoundCheck, Outcome, checks, parametrize_with_checks, run

__all__ = ["BoundCheck", "Outcome", "checks", "parametrize_with_checks", "run"]
