"""Characters that break lines, tables or terminals."""

import sys
import unicodedata

import pytest

from rmqctl.output.escape import escape, visible, visible_lines

EVERY = [chr(code) for code in range(sys.maxunicode + 1)]
CONTROLS = [character for character in EVERY if unicodedata.category(character) in {"Cc", "Cs"}]
INVISIBLE = [*"\xad\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff\U000e0041"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\tb\nc\rd", r"a\tb\nc\rd"), ("\x1b[31m", r"\x1b[31m"), ("\x9b", r"\x9b"), ("\udc80", r"\udc80"), ("ü☃", "ü☃")],
)
def test_controls(text: str, expected: str) -> None:
    assert escape(text) == visible(text) == expected


def test_no_control_character_is_left() -> None:
    for character in CONTROLS:
        assert escape(f"a{character}b").isprintable()
        assert visible(f"a{character}b").isprintable()
        assert visible_lines(f"a{character}b").isprintable() or character == "\n"


@pytest.mark.parametrize("character", INVISIBLE)
def test_invisible_characters_are_shown_to_people(character: str) -> None:
    assert visible(f"a{character}b").isprintable()
    assert visible_lines(character).startswith("\\")


def test_printable_characters_stay() -> None:
    printable = "".join(filter(str.isprintable, EVERY))
    assert visible(printable) == visible_lines(printable) == printable
    assert escape(printable) == printable.replace("\\", r"\\")


def test_backslash() -> None:
    assert escape(r"\t") == r"\\t"
    assert visible("\\d\t") == r"\d\t"


def test_beyond_the_basic_plane() -> None:
    assert visible("\U000e0041") == r"\U000e0041"


def test_lines() -> None:
    assert visible_lines("a\n\tb\x1b") == "a\n\\tb\\x1b"
