"""Numbers with units, as options, words and files of settings have them: one reading of each, wherever it stands."""

import re
from collections.abc import Mapping

from rmqctl.errors import UsageError

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_DURATIONS = {"": 1, "ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_COUNTS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
# Without an i they are powers of 10, and the letter alone is one of 2: as in RabbitMQ's configuration file.
_SIZES = {"": 1, "b": 1} | {
    spelling: factor
    for power, letter in enumerate("kmgt", 1)
    for spelling, factor in ((letter, 1024**power), (f"{letter}ib", 1024**power), (f"{letter}b", 1000**power))
}


def duration(text: str) -> int:
    """Milliseconds: `60s`, `1h`, `1.5m`; a number alone is milliseconds, as AMQP has it. Raises UsageError."""
    return _with_unit(text, _DURATIONS, "a duration such as 500ms, 60s, 1h or 7d")


def seconds(text: str) -> float:
    """Of a waiting time: `500ms`, `10s`, `1m`; a number alone is seconds. Raises UsageError."""
    return _with_unit(text, {**_DURATIONS, "": 1000}, "a time such as 500ms, 10s or 1m") / 1000


def count(text: str) -> int:
    """A number of things: `10k`, `1M`. Raises UsageError."""
    return _with_unit(text, _COUNTS, "a number such as 500, 10k or 1M")


def size(text: str) -> int:
    """Bytes: `1GiB`, `500MB`, `64k`. Raises UsageError."""
    return _with_unit(text, _SIZES, "a size such as 500, 64KiB, 500MB or 1GiB")


def _with_unit(text: str, units: Mapping[str, int], wanted: str) -> int:
    match = _NUMBER.fullmatch(text.strip())
    factor = units.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise UsageError(f"{text!r} is not {wanted}")
    value = float(match[1]) * factor
    if "." not in match[1]:
        return int(match[1]) * factor
    if value != int(value):
        raise UsageError(f"{text!r} is not {wanted}: it is no whole number")
    return int(value)


# For people


def in_bytes(number: float) -> str:
    """A size with its unit: `71.7 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(number) < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def in_time(seconds: float) -> str:
    """A duration with the two units that matter: `3 d 4 h`, `12 s`; milliseconds below a second."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    left = round(seconds)
    parts: list[tuple[int, str]] = []
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        number, left = divmod(left, length)
        if number or parts:
            parts.append((number, unit))
    return " ".join(f"{number} {unit}" for number, unit in parts[:2] if number) or "0 s"
