"""rabbitmqctl's table: tab-separated, nothing escaped, and no header without rows."""

from collections.abc import Iterable, Iterator, Sequence

from rmqctl.output import answer, chunks
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value


def rows(result: Rows, style: Style) -> Iterator[str]:
    if not result.cells:
        if not result.streamed:  # a list collected first ends in an empty line
            yield "\n"
        return
    if style.heading and result.header:
        yield "\t".join(_bold(result.columns) if style.painted else result.columns) + "\n"
    alarming = [style.painted and name in result.alarming for name in result.columns]
    for columns in chunks.columns(result.cells):
        if style.pad_to_header:
            columns = [_padded(column, len(name)) for name, column in zip(result.columns, columns, strict=True)]
        if any(alarming):
            columns = [
                _alarming(column) if stands else column for column, stands in zip(columns, alarming, strict=True)
            ]
        yield "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"


def _padded(column: Sequence[str], width: int) -> list[str]:
    return [cell.ljust(width) for cell in column]


def _bold(texts: Iterable[str]) -> list[str]:
    from rmqctl.output import grid  # a pipe is seldom painted, and should not wait for what it takes

    return [grid.bold(text, True) for text in texts]


def _alarming(column: Sequence[str]) -> list[str]:
    from rmqctl.output import grid

    return [cell if cell.strip() in _CALM else grid.painted(cell, grid.ALARMING) for cell in column]


_CALM = frozenset(("", "0", "0.0", "false"))


def value(result: Value, style: Style) -> Iterator[str]:
    if (fields := answer.fields(result)) is not None:
        yield from (f"{key}\t{text}\n" for key, text in fields)
    elif style.painted:
        from rmqctl.output import grid

        yield from grid.colored(result, answer.lines(result))
    else:
        yield from (f"{line}\n" for line in answer.lines(result))
