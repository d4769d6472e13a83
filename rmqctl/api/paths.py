"""Paths under /api, built from names."""

from urllib.parse import quote


def path(*parts: str) -> str:
    """`/api/` and the parts, each percent-encoded (RFC 3986: all but letters, digits and `-._~`).

    A name of dots alone would be taken for a step up, so its dots are encoded too.
    """
    return "/api/" + "/".join(_segment(part) for part in parts)


def _segment(name: str) -> str:
    encoded = quote(name, safe="", errors="surrogateescape")
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded
