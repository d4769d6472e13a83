"""The API's own values as YAML, which reads the same under YAML 1.1 and 1.2: what could be mistaken is in double quotes."""

import re
from collections.abc import Iterator, Mapping

from rmqctl.output import chunks
from rmqctl.output.style import Style
from rmqctl.output.values import compact
from rmqctl.result import Rows, Value

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_RESERVED = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
"""Words that are no texts in one of the two versions, in any case of their letters."""

_UNSAFE = re.compile("[\x7f-\xa0\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON leaves as it is, and YAML takes for the end of a line or refuses."""


def rows(result: Rows, style: Style) -> Iterator[str]:
    if not result.cells and not style.continued:
        yield "[]\n"
    for start in range(0, len(result.cells), chunks.SIZE):
        for row in result.cells[start : start + chunks.SIZE]:
            yield "".join(_sequence([dict(zip(result.columns, row, strict=True))], ""))


def value(result: Value, style: Style) -> Iterator[str]:
    """Answers that follow each other are documents of their own."""
    if style.continued:
        yield "---\n"
    yield from _block(result.data, "")


def _block(data: object, indent: str) -> Iterator[str]:
    if isinstance(data, Mapping) and data:
        yield from _mapping(data, indent)
    elif isinstance(data, list) and data:
        yield from _sequence(data, indent)
    else:
        yield f"{indent}{_scalar(data)}\n"


def _mapping(data: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, item in data.items():
        if isinstance(item, Mapping | list) and item:
            yield f"{indent}{_text(key)}:\n"
            yield from _block(item, f"{indent}  ")
        else:
            yield f"{indent}{_text(key)}: {_scalar(item)}\n"


def _sequence(items: list[object], indent: str) -> Iterator[str]:
    """The first line of each item stands behind its dash."""
    for item in items:
        first, *others = _block(item, f"{indent}  ")
        yield f"{indent}- {first[len(indent) + 2 :]}"
        yield from others


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    return _float(value) if isinstance(value, float) else compact(value)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", compact(text))


def _float(number: float) -> str:
    """YAML 1.1 takes it for a number only with a point in it."""
    text = repr(number)
    if text.lstrip("-") in ("inf", "nan"):
        return text.replace("inf", ".inf").replace("nan", ".nan")
    return text if "." in text else text.replace("e", ".0e")
