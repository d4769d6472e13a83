"""Paths under /api, built from names."""

from urllib.parse import quote

from rmqctl.errors import UsageError


def path(*parts: str) -> str:
    """`/api/` and the parts, each percent-encoded (RFC 3986: all but letters, digits and `-._~`).

    A name of dots alone would be taken for a step up, so its dots are encoded too. An empty one would be no step at all:
    what is meant for one object, or one virtual host, would be about all of them. Raises UsageError.
    """
    return "/api/" + "/".join(_segment(part) for part in parts)


def _segment(name: str) -> str:
    if not name:
        raise UsageError("a name is empty: a variable that is not set? The HTTP API has no path for it")
    encoded = quote(name, safe="", errors="surrogateescape")
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded
