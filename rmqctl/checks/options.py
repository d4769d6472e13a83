"""The options of checks as data: what the command line and the file of checks may say, and the limits that come of it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rmqctl.checks.report import Status
from rmqctl.errors import UsageError
from rmqctl.units import count, duration, size


class Kind(NamedTuple):
    """What a value may be. `read` takes a word of the command line or a value of the file; it raises ValueError or UsageError.

    `show` makes a word of a value that was read.
    """

    metavar: str
    wanted: str
    read: Callable[[Any], Any]
    show: Callable[[Any], str] = str


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _from(least: float, unit: Callable[[str], float]) -> Callable[[Any], float]:
    """A number of the file, or a word that `unit` understands."""

    def read(value: Any) -> float:
        number = unit(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number < float("inf"):
            raise ValueError
        return number

    return read


def _whole(value: Any) -> int:
    number = _from(1, count)(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _seconds(text: str) -> float:
    """A number alone is seconds here."""
    try:
        return float(text)
    except ValueError:
        return duration(text) / 1000


def _percent(text: str) -> float:
    return float(text.removesuffix("%"))


def _patterns(value: Any) -> re.Pattern[str] | None:
    """One expression, or several of which any may fit; an empty array is none."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError
    try:
        for each in found:
            re.compile(each)
        return re.compile("|".join(f"(?:{each})" for each in found)) if found else None
    except re.error as error:
        raise UsageError(f"bad regular expression: {error}") from None


def _names(value: Any) -> tuple[str, ...]:
    found = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError
    return tuple(found)


def _in_units(units: Sequence[tuple[str, int]]) -> Callable[[float], str]:
    """In the largest unit of which it is a whole number."""

    def show(value: float) -> str:
        unit, factor = next(((unit, factor) for unit, factor in units if value and value % factor == 0), units[-1])
        return f"{value / factor:g}{unit}"

    return show


_TIMES = (("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
_SIZES = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("", 1))

COUNT = Kind("N", "a whole number from 1 on", _whole)
NUMBER = Kind("N", "a number", _from(0, float), lambda value: f"{value:g}")
TIME = Kind("TIME", "a time such as 30 (seconds), 5m or 1h", _from(0, _seconds), _in_units(_TIMES))
PERCENT = Kind("PERCENT", "a percentage", _from(0, _percent), lambda value: f"{value:g}%")
SIZE = Kind("SIZE", "a size such as 500MB or 1GiB", _from(0, size), _in_units(_SIZES))
FLAG = Kind("", "true or false", _flag, lambda _: "true")
TEXT = Kind("TEXT", "a string", _text)
FILE = Kind("FILE", "a string", _text)
NAMES = Kind("NAMES", "names with commas, or an array of strings", _names, ",".join)
PATTERN = Kind("REGEX", "a regular expression", _patterns, lambda value: str(value.pattern))
PATTERNS = Kind("REGEX", "a regular expression, or an array of them", _patterns, lambda value: str(value.pattern))


class Option(NamedTuple):
    """One option, `--name` on the command line and `name` in the file. `default` is a value as the file has it; None: no limit.

    When it is set, the check reads the fields of `asks` too, and sees the lists of `twice` at both ends of its window.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    asks: Mapping[str, tuple[str, ...]] = {}
    twice: tuple[str, ...] = ()


def limits(
    name: str, kind: Kind, what: str, warning: Any = None, critical: Any = None, **more: Any
) -> tuple[Option, ...]:
    """The two options `--NAME-warning` and `--NAME-critical`. `what` ends the sentence "Warn ..."."""
    before = f"{name}-" if name else ""
    return (
        Option(f"{before}warning", kind, warning, f"Warn {what}", **more),
        Option(f"{before}critical", kind, critical, f"Critical {what}", **more),
    )


FOR = Option("for", TIME, 10, "Time between the two samples.")
MATCH = Option("match", PATTERN, None, "Only names that match the regular expression.")
IGNORE = Option("ignore", PATTERNS, None, "Leave out names that match the regular expression.")
WHERE = Option("where", TEXT, None, "Keep only findings that match, such as 'kind != idle'.")
ALL_VHOSTS = Option("all-vhosts", FLAG, False, "In every virtual host.")


def read(option: Option, value: Any) -> Any:
    """The value of an option. Raises UsageError with what it has to be."""
    try:
        return option.kind.read(value)
    except (ValueError, OverflowError):
        raise UsageError(f"{value!r} is not {option.kind.wanted}") from None


class Limits:
    """The options of one check, read. `keep` says whether a finding may stay (`--where`)."""

    def __init__(self, values: Mapping[str, Any], keep: Callable[[Any], bool] = lambda _: True) -> None:
        self._values = values
        self.keep = keep

    def __getitem__(self, name: str) -> Any:
        return self._values.get(name)

    def pair(self, name: str = "") -> tuple[float | None, float | None]:
        """From which values on a thing is a warning, and critical."""
        before = f"{name}-" if name else ""
        return self[f"{before}warning"], self[f"{before}critical"]

    def level(self, value: float | None, name: str = "") -> Status:
        """OK too when nothing is known."""
        return self._level(value, self.pair(name), 1)

    def level_below(self, value: float | None, name: str = "") -> Status:
        """The same where less is worse."""
        return self._level(value, self.pair(name), -1)

    @staticmethod
    def _level(value: float | None, pair: Sequence[float | None], sign: int) -> Status:
        if value is None:
            return Status.OK
        for limit, status in zip(reversed(pair), (Status.CRITICAL, Status.WARNING), strict=True):
            if limit is not None and value * sign >= limit * sign:
                return status
        return Status.OK

    def concerns(self, name: object) -> bool:
        """Whether an object of that name is looked at: --match and --ignore. One without a name is, unless names are chosen."""
        if not isinstance(name, str):
            return self["match"] is None
        match, ignore = self["match"], self["ignore"]
        return (match is None or match.search(name) is not None) and (ignore is None or ignore.search(name) is None)
