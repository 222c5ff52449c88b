"""Times as the team's tables hold them: texts in UTC that sort by time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from zoo.errors import InvalidInput

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_DAYS = re.compile(r"(\d{1,5})d\Z")


def text_of(moment: datetime) -> str:
    """A time with microseconds in UTC: ``2026-11-29T10:15:00.000000Z``."""
    return moment.astimezone(timezone.utc).strftime(_FORMAT)


def now() -> str:
    """The time of this machine's clock."""
    return text_of(datetime.now(timezone.utc))


def parsed(text: str, *, end: bool = False) -> str:
    """A date, or a time in ISO 8601, as the tables hold it; without a time zone it is UTC.

    Args:
        end: whether a date without a time means the end of that day, not its beginning.

    Raises:
        InvalidInput: it is neither.
    """
    try:
        # Python 3.10 does not read the Z of UTC.
        moment = datetime.fromisoformat(re.sub(r"[zZ]\Z", "+00:00", text.strip()))
    except ValueError:
        raise InvalidInput(f"'{text}' is not a date.", "Write it as 2026-11-29.") from None
    if end and len(text.strip()) == len("2026-11-29"):
        moment += timedelta(days=1, microseconds=-1)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    try:
        return text_of(moment)
    except OverflowError:
        raise InvalidInput(f"'{text}' is not a date.", "Write it as 2026-11-29.") from None


def before_now(text: str) -> str:
    """The time of ``7d``, seven days ago, or of a date; raises as ``parsed``."""
    found = _DAYS.match(text.strip())
    return parsed(text) if found is None else text_of(datetime.now(timezone.utc) - timedelta(days=int(found[1])))


def after_now(text: str) -> str:
    """The time of ``90d``, in ninety days, or of the end of a date.

    Raises:
        InvalidInput: it is neither, or is not in the future.
    """
    found = _DAYS.match(text.strip())
    if found is None:
        moment = parsed(text, end=True)
    else:
        moment = text_of(datetime.now(timezone.utc) + timedelta(days=int(found[1])))
    if moment <= now():
        raise InvalidInput(f"'{text}' is not in the future.", "Write a number of days such as 90d, or a later date.")
    return moment
