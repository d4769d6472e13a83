"""Every way in which httpx can fail, in our words."""

import http.client
import socket
import ssl

import httpx

from rmqctl.api import tls
from rmqctl.errors import BrokenAnswer, NotConnected, RmqctlError, TimedOut, Unreachable

TRANSPORT_FAILURES: dict[type[Exception], type[RmqctlError]] = {
    httpx.ConnectTimeout: NotConnected,
    httpx.PoolTimeout: Unreachable,
    httpx.ReadTimeout: TimedOut,
    httpx.WriteTimeout: TimedOut,
    httpx.TimeoutException: TimedOut,
    httpx.ConnectError: NotConnected,
    httpx.ReadError: Unreachable,
    httpx.WriteError: Unreachable,
    httpx.CloseError: Unreachable,
    httpx.NetworkError: Unreachable,
    httpx.RemoteProtocolError: Unreachable,
    httpx.LocalProtocolError: RmqctlError,
    httpx.ProtocolError: Unreachable,
    httpx.ProxyError: NotConnected,
    httpx.UnsupportedProtocol: RmqctlError,
    httpx.TransportError: Unreachable,
    httpx.DecodingError: BrokenAnswer,
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
