"""What a command returns. Commands print nothing: `cli.py` renders the result with the chosen formatter.

`messages` are lines for stderr (something the user should know about the result: rows missing, a value guessed).
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from rmqctl.record import Record
from rmqctl.terms import Cell


class CellsOf(Sequence[Sequence[Cell]]):
    """The cells of objects, one reader a column, read when they are written: a long list is not held twice."""

    def __init__(self, objects: Sequence[Any], readers: Sequence[Callable[[Any], Cell]]) -> None:
        self._objects = objects
        self._readers = readers

    def __len__(self) -> int:
        return len(self._objects)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return CellsOf(self._objects[index], self._readers)
        item = self._objects[index]
        return [read(item) for read in self._readers]

    def __iter__(self) -> Iterator[list[Cell]]:
        return ([read(item) for read in self._readers] for item in self._objects)

    def only(self, places: Sequence[int]) -> "CellsOf":
        """The same rows with the columns at these places."""
        return CellsOf(self._objects, [self._readers[place] for place in places])

    def columns(self) -> list[list[Cell]]:
        """The cells by column, which is faster than row by row; of a long list, a slice at a time."""
        return [list(map(read, self._objects)) for read in self._readers]


class Rows(Record):
    """A list: column names and one sequence of cells a row.

    `cells` holds rabbitmqctl's terms (rmqctl.terms), or the HTTP API's own JSON values when the formatter is a
    native one (`output.FORMATS[name].native`). `streamed` is False for the lists that rabbitmqctl collects before it
    prints them: their empty output differs. `header` is False for the one list that rabbitmqctl prints without a header.
    `alarming` names the columns whose non-zero values stand out on a terminal (unacknowledged messages, alarms). `empty`:
    what a person reads in place of a table without rows. `sentences`: its cells are to be read, and never cut.
    """

    columns: tuple[str, ...]
    cells: Sequence[Sequence[Cell]]
    streamed: bool = True
    header: bool = True
    alarming: frozenset[str] = frozenset()
    messages: tuple[str, ...] = ()
    exit_code: int = 0
    empty: str = "Nothing to list."
    sentences: bool = False

    def only(self, places: Sequence[int]) -> "Rows":
        """The same rows with the columns at these places, in this order."""
        cells = self.cells
        chosen = (
            cells.only(places) if isinstance(cells, CellsOf) else [[row[place] for place in places] for row in cells]
        )
        return self._replace(columns=tuple(self.columns[place] for place in places), cells=chosen)


class Value(Record):
    """One answer that is not a list.

    `data` is what the JSON formatters print (JSON types only). `text` is what the text formatters print, without a final newline;
    None: derived from `data` (a mapping becomes key and value lines, a scalar itself). `colors`: lines of `text` that begin
    with such a sign have that colour (the number of ANSI's SGR) on a terminal. `alarming` lines, by their number, stand out.
    `wraps`: on a terminal the lines of `text` end between words, at its width.
    """

    data: object
    text: str | None = None
    messages: tuple[str, ...] = ()
    exit_code: int = 0
    colors: Mapping[str, int] = {}
    alarming: frozenset[int] = frozenset()
    wraps: bool = False


class Nothing(Record):
    """Success without anything to print on stdout."""

    messages: tuple[str, ...] = ()
    exit_code: int = 0


class Page(Record):
    """A text for people that is laid out already, whatever the format is: help."""

    text: str
    messages: tuple[str, ...] = ()
    exit_code: int = 0


class Live(Record):
    """What comes to be while it is read. Each part is written at once: when the next is asked for, it is out.

    Parts are rows of the same columns, which get one header, answers, or bytes that are written as they are. `end` has
    messages and exit code when all parts have been read. When they cannot be written the parts are closed, unread.
    `formatter`: the one that the parts are for, None for the one in force.
    """

    parts: Generator[Rows | Value | bytes, None, None]
    end: Callable[[], Nothing]
    formatter: str | None = None


Answer = Rows | Value | Nothing
"""What a command that only reads returns."""


class Watched(Record):
    """A command that is called every so many seconds: `again` gives its answer of now, `title` says what it is."""

    again: Callable[[], Answer]
    seconds: float
    title: str


Result = Answer | Live | Page
