"""The fast table against rich's own, character for character, and what must never reach a terminal."""

import io
import random
import unicodedata
from collections.abc import Sequence

import pytest
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rmqctl.output import pretty_table, terminal
from rmqctl.output.columns import is_numeric, shrink
from rmqctl.output.grid import without_empty
from rmqctl.output.style import Style
from rmqctl.output.values import text
from rmqctl.result import Rows
from rmqctl.terms import AmqpTable, Cell

LEAN = {"box": box.SIMPLE_HEAD, "show_edge": False, "pad_edge": False, "padding": (0, 1, 0, 0)}
BOXED = {"box": box.SQUARE}


def drawn(result: Rows, style: Style) -> str:
    return "".join(terminal.rows(result, style))


def by_rich(result: Rows, style: Style, look: dict[str, object], widths: Sequence[int] = ()) -> str:
    """The same by rich. Its columns may shrink, its cells may not wrap; `widths` are those of the columns if given."""
    total = 10_000 if style.width is None or widths else style.width
    console = Console(
        file=io.StringIO(), width=total, color_system="standard" if style.color else None, legacy_windows=False
    )
    table = Table(**look, show_header=style.header)  # type: ignore[arg-type]
    for index, name in enumerate(result.columns):
        numeric = is_numeric({type(row[index]) for row in result.cells})
        table.add_column(
            Text(name, no_wrap=True, overflow="ellipsis"),
            justify="right" if numeric else "left",
            width=widths[index] if widths else None,
        )
    for row in result.cells:
        table.add_row(*[
            Text(
                text(cell),
                no_wrap=True,
                overflow="ellipsis",
                style="bold yellow" if name in result.alarming and isinstance(cell, int | float) and cell else "",
            )
            for name, cell in zip(result.columns, row, strict=True)
        ])  # fmt: skip
    console.print(table, crop=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


QUEUES = ("name", "messages_unacknowledged", "state")
ALARMING = frozenset({"messages_unacknowledged"})
SAMPLES: dict[str, list[tuple[Cell, ...]]] = {
    "ascii": [("orders", 12, "running"), ("a", 0, "idle"), ("", 100000, "")],
    "one": [("orders", 0, "running")],
    "wide": [("日本の行列", 5, "実行中"), ("plain", 0, "running"), ("🐇🐇", 7, "x")],
    "combining": [("e\u0301te\u0301", 5, "Z\u0351\u036b"), ("\u0301", 0, "ü")],
    "latin": [("ünïcödé", 5, "läuft"), ("a", 123, "b")],
    "long": [("x" * 300, 5, "running"), ("y z " * 60, 123456, "b" * 40)],
    "long and wide": [("日本" * 60, 5, "ü" * 50), ("a", 1, "ab" * 30)],
    "missing": [(None, None, None), ("a", 3, None)],
    "missing number": [("a", None, "x"), ("b", None, "y")],
    "floats": [("a", 0.5, True), ("b", 1e-7, False)],
    "mixed": [("a", 1, "x"), ("b", "many", 3)],
    "spaces": [(" lead trail ", 1, "  "), ("a  b", 2, " x")],
    "markup": [("[bold]x[/bold]", 1, ":smile: http://x 127.0.0.1 'a'"), ("[/]", 2, "\\[x]")],
}


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("width", [400, None])
@pytest.mark.parametrize("sample", SAMPLES)
def test_same_as_rich_when_it_fits(sample: str, width: int | None, header: bool, color: bool) -> None:
    result = Rows(QUEUES, SAMPLES[sample], alarming=ALARMING)
    style = Style(header=header or "missing" in sample, color=color, width=width)
    assert drawn(result, style) == by_rich(result, style, LEAN)
    assert "".join(pretty_table.rows(result, style)) == by_rich(result, style, BOXED)


def test_same_as_rich_without_rows() -> None:
    result = Rows(QUEUES, [])
    for color in (True, False):
        assert drawn(result, Style(color=color, width=80)) == by_rich(result, Style(color=color), LEAN, [4, 23, 5])


TEXTS = [row[:1] + row[2:] for sample in ("ascii", "wide", "latin", "long", "long and wide") for row in SAMPLES[sample]]


@pytest.mark.parametrize("width", range(17, 140))
def test_same_as_rich_when_text_has_to_be_cut(width: int) -> None:
    result = Rows(("title", "state", "third"), [(*row, "third column") for row in TEXTS])
    style = Style(color=True, width=width)
    assert drawn(result, style) == by_rich(result, style, LEAN)


@pytest.mark.parametrize("width", range(26, 140))
def test_same_as_rich_in_a_box(width: int) -> None:
    result = Rows(("name", "state", "third"), [(*row, "third column") for row in TEXTS])
    style = Style(width=width)
    assert "".join(pretty_table.rows(result, style)) == by_rich(result, style, BOXED)


def test_same_as_rich_on_random_tables() -> None:
    dice = random.Random(7)
    alphabet = "abcXYZ-_. 日本ü☃🐇e\u0301"
    for _ in range(150):
        count = dice.randint(1, 6)
        names = tuple(f"{index}_column"[: dice.randint(3, 8)] for index in range(count))
        cells = [
            ["".join(dice.choices(alphabet, k=dice.randint(0, 30))).strip() or "x" for _ in range(count)]
            for _ in range(dice.randint(1, 8))
        ]
        style = Style(color=dice.random() < 0.5, width=dice.randint(6 * count, 40 * count))
        assert drawn(Rows(names, cells), style) == by_rich(Rows(names, cells), style, LEAN)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("width", range(1, 80, 3))
def test_same_as_rich_at_the_widths_chosen(sample: str, width: int) -> None:
    """Numbers are not cut, which rich cannot be told: it gets the widths, read off the frame."""
    result = Rows(QUEUES, SAMPLES[sample], alarming=ALARMING)
    style = Style(width=width, color=True)
    table = "".join(pretty_table.rows(result, style))
    widths = [len(part) - 2 for part in table.split("\n")[0][1:-1].split("┬")]
    assert table == by_rich(result, style, BOXED, widths)
    assert {cell_len(Text.from_ansi(line).plain) for line in table.splitlines()} == {sum(widths) + 10}


@pytest.mark.parametrize("width", [20, 25, 30])
def test_numbers_are_never_cut(width: int) -> None:
    result = Rows(("name", "a_long_heading_of_numbers"), [("x" * 50, 123456789012), ("y", 5)])
    lines = drawn(result, Style(width=width)).splitlines()
    assert lines[0].endswith("…")
    assert lines[2].endswith("123456789012")
    assert len(lines[0]) == width


# ------------------------------------------------------------------------------------------------ what has to lose room


def lines_of(result: Rows, width: int) -> list[str]:
    lines = drawn(result, Style(width=width)).splitlines()
    assert max(map(cell_len, lines)) <= width
    return lines


def test_arguments_lose_their_room_first_and_names_last() -> None:
    result = Rows(("name", "state", "arguments"), [("a" * 30, "b" * 30, AmqpTable({"x-queue-type": "quorum" * 5}))])
    name, state, arguments = lines_of(result, 80)[2].split()[:3]
    assert (name, state) == ("a" * 30, "b" * 30)
    assert arguments.endswith("…")
    name, state, arguments = lines_of(result, 60)[2].split()
    assert (name, state[-1], arguments[-1]) == ("a" * 30, "…", "…")
    name, state, arguments = lines_of(result, 50)[2].split()
    assert len(name) > len(state) > len(arguments)


@pytest.mark.parametrize("width", [16, 40, 80])
@pytest.mark.parametrize("name", ["orders" * 20, "日本の行列" * 12])
def test_nothing_is_wider_than_the_terminal(name: str, width: int) -> None:
    columns = ("name", "arguments", *(f"messages_{number}" for number in range(9)))
    result = Rows(columns, [(name, AmqpTable({"x": name}), *range(10**6, 10**6 + 9))] * 2)
    lines_of(result, width)


def test_a_block_for_each_row_where_a_table_has_no_room() -> None:
    columns = ("name", *(f"n{number}" for number in range(4)))
    lines = lines_of(Rows(columns, [("orders", 1000000, None, 3000000, 4), ("b", 1, 2, 3, 4)]), 20)
    assert lines[:5] == ["name  orders", "n0    1000000", "n2    3000000", "n3    4", ""]
    assert lines[5:7] == ["name  b", "n0    1"]


def test_sentences_are_never_cut() -> None:
    result = Rows(("key", "why"), [("ttl", "the operator policy has the lower one of both")], sentences=True)
    assert lines_of(result, 80)[0].startswith("key")
    assert lines_of(result, 30) == ["key  ttl", "why  the operator policy has", "     the lower one of both"]


def test_headings_that_are_cut_stay_distinct() -> None:
    columns = ("destination_name", "destination_kind", "source_name", "source_kind", "routing_key")
    heading = lines_of(Rows(columns, [("a" * 16, "b" * 16, "c" * 16, "d" * 16, "e" * 16)]), 60)[0].split()
    assert len(set(heading)) == len(columns)


def test_empty_columns_are_left_out_when_there_is_no_room() -> None:
    result = Rows(("name", "arguments", "policy", "state"), [("q" * 30, AmqpTable(), None, "running")] * 2)
    assert without_empty(result, 80) == (result, [])
    roomy, dropped = without_empty(result, 45)
    assert (roomy.columns, dropped) == (("name", "state"), ["arguments", "policy"])
    assert list(map(tuple, roomy.cells)) == [("q" * 30, "running")] * 2


def test_shrink() -> None:
    assert shrink([10, 5, 3], [1, 1, 1], 18) == [10, 5, 3]
    assert shrink([10, 5, 3], [1, 1, 1], 13) == [5, 5, 3]
    assert shrink([10, 5, 3], [1, 1, 1], 11) == [4, 4, 3]
    assert shrink([10, 5, 3], [1, 5, 1], 11) == [3, 5, 3]
    assert shrink([10, 5, 3], [4, 4, 3], 1) == [4, 4, 3]


def test_no_columns() -> None:
    assert drawn(Rows((), []), Style()) == ""


HOSTILE = [
    character
    for character in map(chr, range(0x30000))
    if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or 0x200B <= ord(character) <= 0x200F
    or 0x202A <= ord(character) <= 0x202E or 0x2066 <= ord(character) <= 0x2069
]  # fmt: skip


@pytest.mark.parametrize("module", [terminal, pretty_table])
def test_nothing_hostile_reaches_the_terminal(module: object) -> None:
    for character in HOSTILE:
        nasty = f"a{character}[31mb"
        cells: list[list[Cell]] = [[nasty, [nasty], {nasty: nasty}], ["plain", [], {}]]
        written = "".join(module.rows(Rows((nasty, "list", "map"), cells), Style(width=70)))  # type: ignore[attr-defined]
        lines = written.removesuffix("\n").split("\n")
        assert all(map(str.isprintable, lines))
        assert len({cell_len(line) for line in lines}) == 1
