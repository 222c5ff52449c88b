"""Labels that are numbers larger than any."""

from __future__ import annotations

import pytest

from zoo.errors import DataError
from zoo.kinds.targets import interpret


@pytest.mark.parametrize("wanted", [None, "class", "number"])
def test_a_number_that_does_not_fit_is_named_with_its_place(wanted: str | None) -> None:
    with pytest.raises(DataError, match=r"too large \(line 3\)"):
        interpret(["1", "2", "1e999"], ["line 1", "line 2", "line 3"], "label", wanted)
