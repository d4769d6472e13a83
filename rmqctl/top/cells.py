"""Values as short texts, which fit a narrow column. What the broker left out is blank, never 0."""

from collections.abc import Callable, Sequence
from typing import Any

from rmqctl.output.escape import visible

Show = Callable[[Any], str]

_BARS = "▁▂▃▄▅▆▇█"
_LARGEST_EXACT = 1_000_000
_SPANS = (("d", 86400), ("h", 3600), ("m", 60))


def text(value: object) -> str:
    """Safe for a terminal, whatever a client made of it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return visible(str(value))


def moment(value: str | None) -> str:
    """`2026-11-23 21:01:31`, of the several ways that releases write it."""
    return text(value)[:19].replace("T", " ")


def count(value: float | None) -> str:
    """`999999`, then `1.23M`."""
    if value is None:
        return ""
    return str(round(value)) if abs(value) < _LARGEST_EXACT else _scaled(value, 1000, "MGT", start=2)


def rate(value: float | None) -> str:
    """A second: `0.4`, `12`, `12.3k`."""
    if value is None:
        return ""
    if abs(value) < 10:
        return f"{value:.1f}".removesuffix(".0")
    return str(round(value)) if abs(value) < 10_000 else _scaled(value, 1000, "kMGT")


def size(value: float | None) -> str:
    """Bytes: `512B`, `1.46G`."""
    if value is None:
        return ""
    return f"{round(value)}B" if value < 1024 else _scaled(value, 1024, "KMGTP")


def span(seconds: float | None) -> str:
    """`45s`, `12m`, `3h`, `12d`."""
    if seconds is None:
        return ""
    for unit, length in _SPANS:
        if seconds >= length:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:.0f}s"


def uptime(milliseconds: float | None) -> str:
    return "" if milliseconds is None else span(milliseconds / 1000)


def spark(values: Sequence[float | None] | None) -> str:
    """A bar for each value, from 0 to the largest; blank for what is not known."""
    values = values or ()
    top = max((value for value in values if value is not None), default=0)
    return "".join(" " if value is None else _bar(value, top) for value in values)


def _bar(value: float, top: float) -> str:
    return _BARS[0] if top <= 0 else _BARS[min(len(_BARS) - 1, int(max(0.0, value) / top * len(_BARS)))]


def _scaled(value: float, base: int, units: str, start: int = 1) -> str:
    power = start
    while abs(value) / base**power >= base * 0.9995 and power - start < len(units) - 1:
        power += 1
    scaled = value / base**power
    digits = max(0, 3 - len(str(int(abs(scaled)))))
    return f"{scaled:.{digits}f}{units[power - start]}"
