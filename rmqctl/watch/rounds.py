"""The calls of a watched command, and what becomes of those that fail.

Whatever fails in the first round ends the watch: it is a mistake in the command line more often than not. Later the watch
goes on, over a broker's restart too, unless the broker refuses the log-in or a permission: that stays so, and asking again
and again locks accounts.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from rmqctl.errors import AccessRefused, CheckFailed, ConfigError, RmqctlError, UsageError
from rmqctl.result import Answer, Value


class Round(NamedTuple):
    """One call. `result` None: it failed. `news`: that the answers stop, why, or that they are back; each is told once."""

    time: datetime
    result: Answer | None
    news: str = ""


def rounds(again: Callable[[], Answer], now: Callable[[], datetime]) -> Iterator[Round]:
    """Calls without an end. Raises RmqctlError for failures that end the watch."""
    yield Round(now(), _answer(again))
    since: datetime | None = None
    told = ""
    while True:
        try:
            result = _answer(again)
        except (UsageError, AccessRefused, ConfigError):
            raise
        except RmqctlError as error:
            since = since or now()
            reason = str(error)
            yield Round(now(), None, "" if reason == told else f"no answer since {_clock(since)}: {reason}")
            told = reason
            continue
        if since is None:
            yield Round(now(), result)
        else:
            away = (now() - since).total_seconds()
            yield Round(now(), result, f"answers again since {_clock(now())}, after {away:.0f} s")
            since, told = None, ""


def _answer(again: Callable[[], Answer]) -> Answer:
    """The command's result; a check that fails is an answer as well."""
    try:
        return again()
    except CheckFailed as error:
        return Value({"message": str(error), "result": "error"}, str(error), exit_code=error.exit_code)


def _clock(time: datetime) -> str:
    return f"{time.astimezone():%H:%M:%S}"
