"""Making characters visible that would break a line, a table or a terminal."""

import re

_CONTROLS = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"
_INVISIBLE = r"\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"
"""Zero width, line separators, what turns the direction of writing around, and two that are no characters."""

_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r", "\\": r"\\"}
_UNSAFE_IN_DATA = re.compile(rf"[\\{_CONTROLS}]")
_UNSAFE_TO_SEE = re.compile(rf"[{_CONTROLS}{_INVISIBLE}]")
_UNSAFE_IN_LINES = re.compile(rf"(?!\n)[{_CONTROLS}{_INVISIBLE}]")


def _code(match: re.Match[str]) -> str:
    character = match[0]
    if short := _SHORT.get(character):
        return short
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def escape(text: str) -> str:
    r"""For programs: control characters and the backslash as `\t`, `\n`, `\x1b`, `\\`, so that it can be undone."""
    return text if text.isprintable() and "\\" not in text else _UNSAFE_IN_DATA.sub(_code, text)


def visible(text: str) -> str:
    """For people: also the characters that cannot be seen; a backslash stands for itself."""
    return text if text.isprintable() else _UNSAFE_TO_SEE.sub(_code, text)


def visible_lines(text: str) -> str:
    """The same for a text of several lines."""
    return text if text.isprintable() else _UNSAFE_IN_LINES.sub(_code, text)


# What a terminal gets of formats that are for programs and escape less: such output is looked at all the same.


def harmless(text: str) -> str:
    """A text of lines, with tabs in it."""
    return text if text.isprintable() else _HARMFUL.sub(_code, text)


def harmless_json(text: str) -> str:
    """JSON that stays JSON: inside of strings there is a spelling for each character, and outside there is none to spell."""
    return text if text.isprintable() else _HARMFUL.sub(_json_code, text)


_HARMFUL = re.compile(rf"(?![\n\t])[{_CONTROLS}{_INVISIBLE}]")


def _json_code(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
