"""--decode: payloads that were compressed, and JSON in them."""

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rmqctl.errors import UsageError

LONGEST = 64 << 20
"""Bytes that a payload may grow to: a few kilobytes of zeros become gigabytes."""

_AUTO = "auto"
_JSON = "json"
_WINDOWS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
"""zlib's `wbits` to try: HTTP's deflate is zlib's format, and some clients write the bare stream."""

KNOWN = (_AUTO, "gzip", "deflate", _JSON)


class Decoded(NamedTuple):
    """`json`: the value, in a tuple, when there is one. `unpacked`: the content encoding was undone. `problem`: what was not."""

    body: bytes
    json: tuple[object] | None = None
    unpacked: bool = False
    problem: str = ""


def ways_of(text: str | None) -> tuple[str, ...]:
    """`auto`, or `gzip,json`: what is to be undone, in this order. Raises UsageError."""
    ways = tuple(word.strip() for word in text.split(",")) if text is not None else ()
    for way in ways:
        if way not in KNOWN:
            raise UsageError(f"--decode: {way!r} is none of {', '.join(KNOWN)}")
    return ways


def decode(ways: Sequence[str], properties: Any, body: bytes) -> Decoded:
    """What cannot be undone stays as it is, and `problem` says why."""
    found = Decoded(body)
    for step in (step for way in ways for step in (_told(properties) if way == _AUTO else (way,))):
        try:
            if step == _JSON:
                found = found._replace(json=(_parsed(found.body),))
            else:
                found = found._replace(body=_unpacked(found.body, step), unpacked=True)
        except (ValueError, RecursionError) as error:
            return found._replace(problem=f"{step}: {error}")
    return found


def _told(properties: Any) -> Iterator[str]:
    """What the properties say of the payload: the encodings from the outer to the inner one, then JSON."""
    encodings = [word.strip().lower() for word in (properties.content_encoding or "").split(",")]
    yield from (word for word in reversed(encodings) if word not in ("", "identity", "utf-8", "utf8", "binary"))
    kind = (properties.content_type or "").partition(";")[0].strip().lower()
    if kind in ("application/json", "text/json") or kind.endswith("+json"):
        yield _JSON


def _unpacked(body: bytes, way: str) -> bytes:
    """Raises ValueError."""
    if way not in _WINDOWS:
        raise ValueError("an unknown content encoding")
    reasons = []
    for window in _WINDOWS[way]:
        try:
            return _inflated(body, window)
        except (zlib.error, ValueError) as error:
            reasons.append(str(error))
    raise ValueError(reasons[0])


def _inflated(data: bytes, window: int) -> bytes:
    """Raises zlib.error or ValueError. A gzip file may have several members."""
    whole = b""
    while data:
        stream = zlib.decompressobj(window)
        whole += stream.decompress(data, LONGEST + 1 - len(whole))
        if len(whole) > LONGEST:
            raise ValueError(f"it grows beyond {LONGEST >> 20} MiB")
        if not stream.eof:
            raise ValueError("it ends too early")
        data = stream.unused_data
    return whole


def _parsed(body: bytes) -> object:
    """Raises ValueError or RecursionError."""
    value = json.loads(body, parse_constant=_no_number)
    json.dumps(value, allow_nan=False)  # 1e999 is an infinity here, which JSON cannot say
    return value


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is no number in JSON")
