"""The environment of programs that rmqctl starts: everything but the secrets that rmqctl itself was given."""

from collections.abc import Mapping

_SECRET = ("RMQCTL_PASSWORD", "RMQCTL_PASSWORD_COMMAND", "RMQCTL_TOKEN")
_URL = "RMQCTL_URL"


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a child: no password, no token, and URLs without who logs in there."""
    found = {name: value for name, value in environ.items() if name not in _SECRET}
    if "@" in found.get(_URL, ""):
        found[_URL] = _url(found[_URL])
    return found


def _url(text: str) -> str:
    """The URLs without credentials; nothing where these cannot be told from the rest."""
    from rmqctl.errors import RmqctlError
    from rmqctl.settings import parse_urls

    try:
        return ",".join(endpoint.url for endpoint in parse_urls(text))
    except RmqctlError:
        return ""
