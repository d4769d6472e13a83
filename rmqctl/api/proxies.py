"""Proxies between here and a broker.

Those on this side are named by the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY) or by the system; one in front
of the broker shows in its answers.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from rmqctl.errors import NotTheBroker
from rmqctl.settings import Endpoint

_NAMES = (
    "nginx", "openresty", "apache", "envoy", "haproxy", "traefik", "caddy", "varnish", "cloudflare", "iis", "elb",
)  # fmt: skip
"""What stands in front of brokers, by the names that it gives itself."""
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


def answered(headers: Mapping[str, str]) -> bool:
    """Whether an answer came through a proxy in front of the broker, by the look of it."""
    server = headers.get("server", "").lower()
    return "via" in headers or any(name in server for name in _NAMES)


def refuse_lost_slashes(get: Callable[[str], Any], url: str) -> None:
    """Raises NotTheBroker where a proxy makes a slash of %2F: virtual host "/" is then no part of a path any more.

    Such paths are unknown, or lead to all virtual hosts at once. `get` gives the JSON at a path, None where that fails.
    """
    known = get("/api/vhosts")
    named = [row["name"] for row in known if "/" in str(row.get("name"))] if isinstance(known, list) else []
    if not named:
        return
    found = get(f"/api/vhosts/{quote(named[0], safe='')}")
    if isinstance(found, dict) and found.get("name") == named[0]:
        return
    raise NotTheBroker(
        f"{url}: a proxy in front of the broker turns %2F in paths into a slash, so that virtual host "
        f"{named[0]!r} cannot be named: have it pass paths on as they come (nginx: proxy_pass without a path)"
    )
