"""What becomes of a watch when a call fails."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from rmqctl.errors import (
    AccessRefused,
    CheckFailed,
    ConfigError,
    NotFound,
    RmqctlError,
    TimedOut,
    Unavailable,
    Unreachable,
    UsageError,
)  # fmt: skip
from rmqctl.result import Answer, Value
from rmqctl.watch.rounds import Round, rounds

START = datetime(2026, 3, 4, 5, 6, 0, tzinfo=UTC)
FINE = Value("fine")


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def after(*outcomes: Answer | Exception) -> list[Round]:
    """The rounds in which the command answers or fails like that, one a second; what it raises ends the test."""
    left, clock = list(outcomes), [START]

    def again() -> Answer:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        clock[0] += timedelta(seconds=1)
        return outcome

    def now() -> datetime:
        return clock[0]

    following = rounds(again, now)
    found = []
    while left:
        clock[0] = START + timedelta(seconds=len(outcomes) - len(left))
        found.append(next(following))
    return found


@pytest.mark.parametrize(
    "error", [Unreachable("x"), TimedOut("x"), NotFound("x"), AccessRefused("x"), UsageError("x"), RmqctlError("x")]
)
def test_a_first_round_that_fails_is_the_end(error: RmqctlError) -> None:
    with pytest.raises(type(error)):
        after(error)


@pytest.mark.parametrize("error", [AccessRefused("x"), UsageError("x"), ConfigError("x")])
def test_some_errors_stay_and_are_the_end_later_too(error: RmqctlError) -> None:
    with pytest.raises(type(error)):
        after(FINE, FINE, error, FINE)


@pytest.mark.parametrize(
    "error", [Unreachable("gone"), TimedOut("gone"), Unavailable("gone"), NotFound("gone"), RmqctlError("gone")]
)
def test_others_are_told_once_and_so_is_the_end_of_them(error: RmqctlError) -> None:
    found = after(FINE, error, error, Unavailable("booting"), Unavailable("booting"), FINE, FINE)
    assert [each.result for each in found] == [FINE, None, None, None, None, FINE, FINE]
    assert [each.news for each in found] == [
        "",
        "no answer since 05:06:01: gone",
        "",
        "no answer since 05:06:01: booting",
        "",
        "answers again since 05:06:06, after 5 s",
        "",
    ]


def test_a_second_outage_is_told_like_the_first() -> None:
    gone: Callable[[], Exception] = lambda: Unreachable("gone")  # noqa: E731
    told = [each.news for each in after(FINE, gone(), FINE, gone(), FINE)]
    assert [bool(news) for news in told] == [False, True, True, True, True]


def test_a_check_that_fails_is_an_answer() -> None:
    found = after(CheckFailed("no listener"), FINE, CheckFailed("no listener"))
    assert [each.news for each in found] == ["", "", ""]
    assert found[0].result == Value({"message": "no listener", "result": "error"}, "no listener", exit_code=69)
