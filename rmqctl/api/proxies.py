"""The proxies of the environment: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, or the system's where it has any."""

from collections.abc import Mapping
from urllib.request import getproxies, proxy_bypass

from rmqctl.settings import Endpoint


def of_environment() -> Mapping[str, str]:
    """URLs of proxies by the scheme they are for, or `all`."""
    return {scheme: url for scheme, url in getproxies().items() if scheme in ("http", "https", "all")}


def between(endpoint: Endpoint) -> str | None:
    """The URL of the proxy between here and an endpoint, which may hold a password; None when there is none."""
    proxies = of_environment()
    proxy = proxies.get(endpoint.scheme) or proxies.get("all")
    return None if proxy is None or proxy_bypass(endpoint.host) else proxy
