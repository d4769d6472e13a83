"""Paths under /api, built from names."""

from urllib.parse import quote

from rmqctl.errors import NoPath, UsageError


def path(*parts: str) -> str:
    """`/api/` and the parts, each percent-encoded (RFC 3986: all but letters, digits and `-._~`).

    One dot or two are a step in a path, however they are encoded, and an empty name is none: what is meant for one object
    would be about others. Raises NoPath and UsageError.
    """
    return "/api/" + "/".join(_segment(part) for part in parts)


def _segment(name: str) -> str:
    if not name:
        raise UsageError("a name is empty: a variable that is not set? The HTTP API has no path for it")
    if name in (".", ".."):
        raise NoPath(
            f"the HTTP API has no path for the name {name!r}, which is a step in a path; consume, tap, move, get --ack and "
            "publish --amqp auto reach it over AMQP, rabbitmqctl on the node does the rest"
        )
    return quote(name, safe="", errors="surrogateescape")
