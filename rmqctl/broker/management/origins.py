"""Requests that a browser sends for pages of other sites: they are refused.

A page from anywhere may have a browser send requests to this machine, with the log-in that the browser remembers or that
stands in the URL. With a name of its own that points to 127.0.0.1 (DNS rebinding) it may even read the answers.
Programs that are no browsers send neither Origin nor Sec-Fetch-Site.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

_ELSEWHERE = ("cross-site", "same-site")
_OURS = ("same-origin", "none")


def foreign_page(headers: Mapping[str, str]) -> str:
    """Why a request is one for a page of another site; empty when it is none (https://www.w3.org/TR/fetch-metadata/)."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site in _ELSEWHERE or (origin is not None and site not in _OURS and not _same(origin, headers.get("host", ""))):
        return f"requests from pages of other sites are refused ({origin or site})"
    return ""


def is_visit(headers: Mapping[str, str]) -> bool:
    """Whether somebody opens a page: follows a link, for example."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def foreign_host(headers: Mapping[str, str], address: str, name: str) -> str:
    """Why the name that the client called the broker by is not one of its own; empty when it is, or when there is none.

    `address` is the IP address that the broker listens on, `name` is what it was told to listen on.
    """
    host = headers.get("host")
    if host is None or _is_own(_name(host), _ip(address), name.lower()):
        return ""
    return f"{host} is not a name of this broker: use its IP address, or have it listen on that name with --host"


def _is_own(called: str, address: IPv4Address | IPv6Address | None, name: str) -> bool:
    if called in ("localhost", name):
        return True
    everywhere = address is not None and address.is_unspecified
    ip = _ip(called)
    if ip is not None:
        return ip.is_loopback or everywhere or ip == address
    # A name without a dot is one of the local network or of a container: nobody can register it.
    return everywhere and "." not in called and called != ""


def _same(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc.lower() == host.lower() != ""
    except ValueError:
        return False


def _name(host: str) -> str:
    """Without the port; empty for what is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
