"""The one place where foreign failures become ours: httpx's exceptions and the API's error answers."""

import http.client
import socket
import ssl
from typing import Any

import httpx

from rmqctl.api import tls
from rmqctl.errors import (
    AccessRefused,
    DataError,
    NoSuchUser,
    NotFound,
    RmqctlError,
    TimedOut,
    Unavailable,
    Unreachable,
)

TRANSPORT_FAILURES: dict[type[Exception], type[RmqctlError]] = {
    httpx.ConnectTimeout: Unreachable,
    httpx.PoolTimeout: Unreachable,
    httpx.ReadTimeout: TimedOut,
    httpx.WriteTimeout: TimedOut,
    httpx.TimeoutException: TimedOut,
    httpx.ConnectError: Unreachable,
    httpx.ReadError: Unreachable,
    httpx.WriteError: Unreachable,
    httpx.CloseError: Unreachable,
    httpx.NetworkError: Unreachable,
    httpx.RemoteProtocolError: Unreachable,
    httpx.LocalProtocolError: RmqctlError,
    httpx.ProtocolError: Unreachable,
    httpx.ProxyError: Unreachable,
    httpx.UnsupportedProtocol: RmqctlError,
    httpx.TransportError: Unreachable,
    httpx.DecodingError: RmqctlError,
    httpx.TooManyRedirects: RmqctlError,
    httpx.RequestError: Unreachable,
    httpx.HTTPStatusError: RmqctlError,
    httpx.HTTPError: RmqctlError,
    httpx.InvalidURL: RmqctlError,
    httpx.CookieConflict: RmqctlError,
    httpx.StreamError: RmqctlError,
    httpx.StreamConsumed: RmqctlError,
    httpx.StreamClosed: RmqctlError,
    httpx.ResponseNotRead: RmqctlError,
    httpx.RequestNotRead: RmqctlError,
}
"""Every exception of httpx and the error it becomes; a test walks httpx to see that none is missing."""

BEARER = "the token"
"""Who was refused, when no user's name is known."""

_HINT = " (`rmqctl broker start` starts one here, `rmqctl demo` one with some life in it)"


def of_transport(
    error: Exception, url: str, timeout: float | None, *, alone: bool = True, proxy: str | None = None
) -> RmqctlError:
    """The error to show for an exception of httpx while `url` was asked, by way of a proxy if there is one.

    `alone` is False when there are others to ask instead.
    """
    cause = _root(error)
    if isinstance(cause, ssl.SSLError):
        return tls.explain(cause, url)
    kind = TRANSPORT_FAILURES[type(error)]
    if kind is TimedOut:
        return TimedOut(f"{url}: no answer within {timeout:g} seconds (--timeout)")
    if proxy:
        why = "connection refused" if isinstance(cause, ConnectionRefusedError) else _reason(error, cause)
        return kind(f"{url}: not reached through the proxy {proxy.rpartition('@')[2]} (HTTP_PROXY, NO_PROXY): {why}")
    hint = _HINT if alone and isinstance(cause, ConnectionRefusedError) and _is_here(url) else ""
    return kind(f"{url}: {_reason(error, cause)}{hint}")


def _is_here(url: str) -> bool:
    """Whether this machine is meant."""
    host = httpx.URL(url).host
    return host in ("localhost", "::1") or host.startswith("127.")


def _root(error: BaseException) -> BaseException:
    """The first cause. Chains of exceptions that were raised again can lead back to where they began."""
    seen = {id(error)}
    while (below := error.__cause__ or error.__context__) is not None and id(below) not in seen:
        seen.add(id(below))
        error = below
    return error


def _reason(error: Exception, cause: BaseException) -> str:
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused: is the broker running, with the rabbitmq_management plugin, on this port?"
    if isinstance(cause, socket.gaierror):
        return f"host name not known ({cause.strerror})"
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection: the host does not answer (firewall, wrong address?)"
    if isinstance(cause, http.client.RemoteDisconnected | http.client.BadStatusLine | ConnectionResetError):
        return (
            "the connection was closed without an HTTP answer: is this the management port, and http rather than https?"
        )
    if isinstance(error, httpx.ProxyError):
        return str(error)
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return str(error) or type(error).__name__


def reason_of(body: Any) -> str:
    """The broker's reason in an error answer: a string, a list of strings and code points, or nothing."""
    if not isinstance(body, dict):
        return ""
    reason = body.get("reason", body.get("error", ""))
    text = reason if isinstance(reason, str) else _spelled(reason)
    # 3.10 escapes Erlang terms for HTML.
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(entity, character)
    return " ".join(text.split())


def _spelled(reason: object) -> str:
    if isinstance(reason, list):
        if reason and all(isinstance(item, int) for item in reason):
            return "".join(chr(item) for item in reason if 0 < item < 0x110000)
        return ": ".join(_spelled(item) for item in reason)
    return str(reason)


def of_answer(status: int, body: Any, what: str, url: str, caller: str, path: str) -> RmqctlError:
    """The error to show for an answer of 400 and above.

    `what` names the object that was asked for ("virtual host 'x'"), `body` is the decoded JSON or None, `caller` is
    "user 'x'" or `BEARER`.
    """
    reason = reason_of(body)
    because = f": {reason}" if reason else ""
    if status in (401, 403):
        return _refused(reason, what, url, caller)
    if status in (404, 406):
        # 406: 3.10 has no such path and offers its web pages instead.
        return _not_found(reason, what, url, caller, path)
    if status == 400 and "stats in management ui are disabled" in reason.lower():
        return Unavailable(f"{what}{because}: it collects no statistics to tell this from ({url})")
    if status in (400, 409, 412):
        return DataError(f"{what}{because} ({url})")
    if status == 407:
        return Unreachable(f"{url}: the proxy wants a user name and a password of its own (HTTP_PROXY, HTTPS_PROXY)")
    if status == 405:
        return RmqctlError(f"{url}{path}: the broker does not take this method here")
    if status == 503:
        return Unavailable(f"{what}: unavailable{because} ({url})")
    if status in (408, 504):
        return TimedOut(f"{what}: the broker gave up waiting{because} ({url})")
    return RmqctlError(f"{what}: the broker failed with HTTP {status}{because} ({url}); its log says more")


def _refused(reason: str, what: str, url: str, caller: str) -> RmqctlError:
    text = reason.lower()
    if "access virtual host" in text:
        # 4.x hides such a virtual host with a 404: one exit code for both.
        return NotFound(f"{what}: not open to {caller} ({url}); rmqctl list_vhosts shows those that are")
    if "not management user" in text:
        return AccessRefused(f"{url}: {caller} may not use the HTTP API: it needs the tag management or above")
    if "not administrator" in text:
        return AccessRefused(f"{what}: {caller} needs the tag administrator for this ({url})")
    if "not monitor" in text:
        return AccessRefused(f"{what}: {caller} needs the tag monitoring for this ({url})")
    if "localhost" in text:
        return AccessRefused(f"{url}: {caller} may log in from the broker's own host only")
    if "login failed" in text or "not_authorized" in text or not text:
        why = "wrong, expired, or not for this broker" if caller is BEARER else "wrong user name or password"
        options = "--token" if caller is BEARER else "--user, --password-file, --context"
        return AccessRefused(f"{url}: {caller} was refused: {why} ({options})")
    return AccessRefused(f"{what}: refused for {caller}: {reason} ({url})")


def _not_found(reason: str, what: str, url: str, caller: str, path: str) -> RmqctlError:
    detail = (
        f": {reason}" if reason and reason.lower().replace("_", " ") not in ("not found", "object not found") else ""
    )
    if path.startswith("/api/users/"):
        return NoSuchUser(f"{what} does not exist{detail} ({url})")
    hidden = f", or {caller} may not see it" if what.startswith("virtual host") else ""
    return NotFound(f"{what} does not exist{hidden}{detail} ({url})")
