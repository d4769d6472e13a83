"""Whether an answer is the management API's, and the JSON in it.

Between a client and a broker there are proxies and load balancers, which answer in the broker's place when it is down, and
brokers that fail half-way through an answer. Neither is taken for what the broker says.
"""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, NoReturn

from rmqctl.errors import BrokenAnswer, NotTheBroker

LONGEST = 256 << 20
"""Bytes of an answer, unpacked: about the queues of a broker that has 100,000 of them, with all their statistics."""

_GATEWAYS = frozenset((429, 502, 503, 504))
"""Statuses of what stands in front of a server. The broker gives 503 too, with a reason."""
_OF_THE_BROKER = frozenset(("error", "reason", "status"))
"""Of these keys the broker's own errors have one."""
_OF_METRICS = "version=0.0.4"
"""The format of Prometheus calls itself plain text of that version."""


class TooLong(Exception):
    """An answer goes on behind `LONGEST`."""


def too_long(url: str) -> BrokenAnswer:
    return BrokenAnswer(f"{url}: the answer is longer than {LONGEST >> 20} MiB: ask for less, or one virtual host (-p)")


def body_of(status: int, content: bytes, headers: Mapping[str, str], url: str, *, text: bool = False) -> Any:
    """The decoded JSON of an answer, or its text where `text` is asked for; None for an empty one.

    Raises NotTheBroker for what no broker sends, BrokenAnswer for JSON that breaks off or is none.
    """
    if 300 <= status < 400:
        raise NotTheBroker(f"{url}: redirects to {headers.get('location', '?')}: give that URL")
    if status >= 400:
        return _reason(status, content, headers, url)
    if text:
        if _OF_METRICS not in headers.get("content-type", ""):
            _refuse_pages(content, headers, url)
        return content.decode("utf-8", "replace")
    if not content.strip():
        return None
    try:
        return json.loads(content, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        _refuse_pages(content, headers, url)
        raise _broken(error, content, url) from None
    except (ValueError, RecursionError) as error:  # numbers without end, not UTF-8, nesting
        _refuse_pages(content, headers, url)
        raise BrokenAnswer(f"{url}: the broker's answer of {len(content)} bytes is broken JSON ({error})") from None


def _reason(status: int, content: bytes, headers: Mapping[str, str], url: str) -> Any:
    """The JSON of an error, None for one without any: those of the broker are objects with a reason, or empty."""
    if not content.strip():
        body = None
    else:
        try:
            body = json.loads(content, parse_constant=_refuse_constant, parse_float=_finite)
        except (ValueError, RecursionError):
            _not_the_broker(status, headers, url)
    known = isinstance(body, dict) and not _OF_THE_BROKER.isdisjoint(body)
    if status in _GATEWAYS and not known:
        _not_the_broker(status, headers, url)
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float | None:
    """A number too large for a float is unknown: infinity is no JSON either."""
    number = float(text)
    return number if isfinite(number) else None


def _refuse_pages(content: bytes, headers: Mapping[str, str], url: str) -> None:
    """Raises NotTheBroker for what neither calls itself JSON nor looks like it."""
    kind = _kind(headers)
    if kind.endswith(("/html", "/xml")) or ("json" not in kind and content.lstrip()[:1] not in (b"[", b"{")):
        what = f"an answer of {kind}, not JSON{_server(headers)}"
        raise NotTheBroker(f"{url}: this is no RabbitMQ management API, or a proxy answered for it ({what})")


def _not_the_broker(status: int, headers: Mapping[str, str], url: str) -> NoReturn:
    raise NotTheBroker(
        f"{url}: HTTP {status} came from a proxy or another server, not from RabbitMQ's management API "
        f"({_kind(headers)}{_server(headers)}): is the broker behind it running?"
    )


def _kind(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "no content type").partition(";")[0].strip()


def _server(headers: Mapping[str, str]) -> str:
    """What the server calls itself, if it does."""
    name = headers.get("server") or headers.get("via")
    return f", from {name}" if name else ""


def _broken(error: json.JSONDecodeError, content: bytes, url: str) -> BrokenAnswer:
    """At which byte, since that is what a dump of the traffic shows."""
    text = error.doc if isinstance(error.doc, str) else content.decode("utf-8", "replace")
    at = len(text[: error.pos].encode("utf-8", "surrogatepass"))
    if _breaks_off(text, error):
        return BrokenAnswer(f"{url}: the broker broke off: its answer ends after {len(content)} bytes, within the JSON")
    return BrokenAnswer(f"{url}: the broker's answer is broken JSON at byte {at} of {len(content)} ({error.msg})")


def _breaks_off(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the fault is that nothing follows: at the end, in a string that does not end, in half a word or number."""
    rest = text[error.pos :]
    return (
        not rest.strip()
        or error.msg.startswith("Unterminated string")
        or (len(rest) < len("false") and any(word.startswith(rest.rstrip()) for word in ("true", "false", "null", "-")))
    )
