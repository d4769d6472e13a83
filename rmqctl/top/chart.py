"""How a queue went in the last minutes: its depth and its rates as bars of several lines."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from textual.content import Content

from rmqctl.top import cells, looks

LINES = {"messages": 4}
"""The height of a chart. Rates have fewer lines."""
_LINES_OF_RATES = 2
_TITLES = {"messages": "messages", "publish": "in/s", "deliver_get": "out/s"}
_BARS = " ▁▂▃▄▅▆▇█"


class Trace(NamedTuple):
    """`values`: the oldest first, None for what is not known. `now` is what the broker says at this moment."""

    name: str
    values: Sequence[float | None]
    now: float | None


def drawn(traces: Sequence[Trace], width: int) -> Iterator[Content]:
    """A heading and bars for each, as wide as there is room."""
    for trace in traces:
        show = cells.count if trace.name == "messages" else cells.rate
        known = [value for value in trace.values if value is not None]
        most = f"  most {show(max(known))}" if known else ""
        yield Content.assemble((_TITLES[trace.name], looks.STRONG), f" {show(trace.now) or '?'}{most}\n")
        lines = bars(trace.values, width, LINES.get(trace.name, _LINES_OF_RATES)) if known else ()
        for line in lines:
            yield Content.styled(f"{line}\n", looks.TREND)
    if traces:
        yield Content("\n")


def bars(values: Sequence[float | None], width: int, height: int) -> list[str]:
    """Lines of bars from 0 to the largest value, the latest at the right edge. Few values have wide bars."""
    values = values[-width:]
    if not values or width < 1:
        return [""] * height
    each = width // len(values)
    top = max((value for value in values if value is not None), default=0)
    filled = [_eighths(value, top, height) for value in values]
    return [
        "".join(_BARS[max(0, min(8, eighths - 8 * line))] * each for eighths in filled).rjust(width)
        for line in reversed(range(height))
    ]


def _eighths(value: float | None, top: float, height: int) -> int:
    """How high the bar is, in eighths of a line: at least one, but for what is not known."""
    if value is None:
        return 0
    return max(1, round(value / top * height * 8)) if top > 0 else 1
