"""Sentences at the width of a terminal: lines end between words, never inside one that would fit on a line of its own."""

import re
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"\S+\s*|\s+")
"""With the blanks behind it."""
_STEP = 2
"""How much further in the rest of a long line stands."""
_NARROW = 16
"""Less room than this beside its key is no room for a text: it stands below."""


def wide(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wrapped(line: str, width: int | None, *, whole: bool = False) -> list[str]:
    """One line as lines that fit; those after the first are indented further. None: as it is.

    `whole`: a word that is wider than a line is left to the terminal, so that a path or an address can be copied.
    """
    if width is None or wide(line) <= width:
        return [line]
    text = line.lstrip(" ")
    lead = len(line) - len(text)
    hang = min(lead + _STEP, max(width // 2, 1))
    first, *others = _filled(text, [width - min(lead, width // 2), width - hang], whole=whole)
    return [" " * min(lead, width // 2) + first, *(" " * hang + other for other in others)]


def beside(key: str, room: int, text: str, width: int | None) -> list[str]:
    """The key padded to a number of columns, two blanks, the text; its other lines stand below its first one."""
    label = key + " " * (room - wide(key))
    if width is None or room + 2 + wide(text) <= width:
        return [f"{label}  {text}"]
    if width - room - 2 < _NARROW:
        return [*wrapped(key, width), *("  " + each for each in _filled(text, [max(width - 2, 2)]))]
    first, *others = _filled(text, [width - room - 2])
    return [f"{label}  {first}", *(" " * (room + 2) + other for other in others)]


def _filled(text: str, widths: Sequence[int], *, whole: bool = False) -> list[str]:
    """The words on lines: the first width is that of the first line, the last one of all others."""
    lines: list[str] = [""]
    words = _WORD.findall(text)
    for piece in words if whole else _pieces(words, max(widths[-1], 2)):
        width = widths[0] if len(lines) == 1 else widths[-1]
        if lines[-1] and wide(lines[-1]) + wide(piece.rstrip(" ")) > width:
            lines[-1] = lines[-1].rstrip(" ")
            lines.append("")
        lines[-1] += piece
    return [*lines[:-1], lines[-1].rstrip(" ")]


def _pieces(words: Sequence[str], width: int) -> Iterator[str]:
    """The words; one that is wider than a line comes in parts."""
    for word in words:
        part = ""
        for character in word:
            if character != " " and wide(part + character) > width:
                yield part
                part = ""
            part += character
        yield part
