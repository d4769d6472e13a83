"""The environment of programs that rmqctl starts: everything but the secrets that rmqctl itself was given."""

import os
from collections.abc import Mapping
from pathlib import Path

_SECRET = ("RMQCTL_PASSWORD", "RMQCTL_PASSWORD_COMMAND", "RMQCTL_TOKEN")
_URL = "RMQCTL_URL"


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a child: no password, no token, and URLs without who logs in there."""
    found = {name: value for name, value in environ.items() if name not in _SECRET}
    if "@" in found.get(_URL, ""):
        found[_URL] = _without_log_in(found[_URL])
    return found


def of_python(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a child that runs rmqctl or pika: they are found where this process found them, in rmqctl.pyz too."""
    found = environment(environ)
    packages = str(Path(__file__).parent.parent)
    return found | {"PYTHONPATH": os.pathsep.join(filter(None, (packages, found.get("PYTHONPATH"))))}


def _without_log_in(text: str) -> str:
    """URLs with commas between them; nothing where a comma may be part of a password."""
    urls = text.split(",")
    if any("@" in url and "://" not in url for url in urls[1:]):
        return ""
    parts = (url.partition("://") if "://" in url else ("", "", url) for url in urls)
    return ",".join(f"{scheme}{mark}{rest.rpartition('@')[2]}" for scheme, mark, rest in parts)
