"""The proxies of the environment: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, or the system's where it has any."""

import os
import sys
from collections.abc import Mapping

from rmqctl.settings import Endpoint

_VARIABLES = frozenset(("http_proxy", "https_proxy", "all_proxy"))


def in_force() -> bool:
    """Whether there is any, told without urllib.request where that can be: its import takes long."""
    if any(value and name.lower() in _VARIABLES for name, value in os.environ.items()):
        return True
    return sys.platform in ("darwin", "win32") and bool(of_environment())


def of_environment() -> Mapping[str, str]:
    """URLs of proxies by the scheme they are for, or `all`."""
    from urllib.request import getproxies

    return {scheme: url for scheme, url in getproxies().items() if scheme in ("http", "https", "all")}


def between(endpoint: Endpoint) -> str | None:
    """The URL of the proxy between here and an endpoint, which may hold a password; None when there is none."""
    from urllib.request import proxy_bypass

    proxies = of_environment()
    proxy = proxies.get(endpoint.scheme) or proxies.get("all")
    return None if proxy is None or proxy_bypass(endpoint.host) else proxy
