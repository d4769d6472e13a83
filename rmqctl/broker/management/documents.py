"""JSON in and out: what is read is strict, and what is there can always be written."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any, NoReturn

DEEPEST = 100
"""How many objects and lists may be within each other: RabbitMQ has no limit but its memory."""
MARK = b"\xef\xbb\xbf"
"""What some programs write before a text in UTF-8."""
_DEEPEST_WRITTEN = 200
_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Half of a character, but for those that stand for bytes that are not UTF-8."""


class NotJson(ValueError):
    """It is no JSON (RFC 8259), or none that can be kept."""


# --------------------------------------------------------------------------------------------------------------- reading


def parse(data: bytes) -> Any:
    """A document in UTF-8. Of members with the same name the first one counts, as in RabbitMQ. Raises NotJson."""
    try:
        document = _DECODER.decode(data.decode())
    except (ValueError, RecursionError):
        raise NotJson("not_json") from None
    _check_depth(document)
    if b"\\u" in data:
        _check_texts(document)
    return document


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    return found if len(found) == len(members) else dict(reversed(members))


def _number(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise NotJson("not_json")
    return value


def _no_number(_: str) -> NoReturn:
    """NaN and the infinities."""
    raise NotJson("not_json")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_no_number)


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise NotJson("not_json")


def _check_texts(document: Any) -> None:
    """`\\ud800` alone is half of a character, which nobody can write down again."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotJson("not_json") from None


# --------------------------------------------------------------------------------------------------------------- writing


def encoded(document: Any) -> bytes:
    """JSON, whatever the document has. What is not UTF-8 shows as U+FFFD, as RabbitMQ shows it."""
    try:
        text = _dumped(document)
    except (ValueError, TypeError, OverflowError, RecursionError):
        text = _dumped(_writable(document))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _HALF.sub("\ufffd", text).encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()


def _dumped(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def _writable(value: Any, depth: int = 0) -> Any:
    """The same with null for what JSON cannot have, and for what is too deep inside."""
    if depth > _DEEPEST_WRITTEN:
        return None
    if isinstance(value, Mapping):
        return {str(_plain(name)): _writable(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(inner, depth + 1) for inner in value]
    if value is None or isinstance(value, str | bool):
        return value
    try:
        plain = value if isinstance(value, int | float) else _plain(value)
        json.dumps(plain, allow_nan=False)
    except (ValueError, OverflowError):
        return None
    return plain


def _plain(value: Any) -> Any:
    """AMQP values that JSON does not have."""
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    return str(value)
