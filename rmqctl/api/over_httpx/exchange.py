"""A request through an httpx client: one endpoint, one answer, every failure in our words."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx

from rmqctl.api import proxies
from rmqctl.api.over_httpx.transport import SENT, HttpTransport
from rmqctl.api.request import Answer, Request
from rmqctl.api.wire import Sent, Wire
from rmqctl.errors import ConfigError, RmqctlError
from rmqctl.settings import Endpoint, Settings


class Exchange:
    """Asks by `transport`, else on the wire's connections, or in httpx's own way where the environment sets a proxy."""

    def __init__(self, settings: Settings, wire: Wire, transport: httpx.BaseTransport | None) -> None:
        # A request that one endpoint fails is for the next, if there is one: its error need not say what to start here.
        self._alone = len(settings.endpoints) == 1
        self._http = _http_client(settings, wire, transport)

    def ask(self, request: Request, sent: Sent | None, log: Callable[[str], None] | None) -> Answer:
        """The answer, whatever its status, to a request that is on its way already or is sent now. Raises RmqctlError."""
        endpoint, url = request.endpoint, request.endpoint.url + request.target
        started = sent.started if sent else time.perf_counter()
        try:
            response = self._http.request(
                request.method,
                url,
                headers=request.headers,
                json=request.body,
                timeout=httpx.Timeout(request.timeout, connect=request.connect),
                extensions={SENT: sent} if sent else None,
            )
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            from rmqctl.api.over_httpx import failures  # rare, and not free to import

            if log:
                log(f"{request.method} {url}: {type(error).__name__}")
            proxy = proxies.between(endpoint)
            raise failures.of_transport(error, endpoint.url, request.timeout, alone=self._alone, proxy=proxy) from error
        if log:
            milliseconds = (time.perf_counter() - started) * 1000
            since = " since it was sent ahead" if sent else ""
            size = len(response.content)
            log(f"{request.method} {url}: {response.status_code}, {size} bytes, {milliseconds:.0f} ms{since}")
        if request.text and response.is_success:
            return Answer(response.status_code, response.text, response.headers)
        return Answer(response.status_code, _decoded(response, endpoint), response.headers)

    def close(self) -> None:
        self._http.close()


def _http_client(settings: Settings, wire: Wire, transport: httpx.BaseTransport | None) -> httpx.Client:
    """An httpx client on `transport` or ours, or on httpx's own where a proxy is set in the environment."""
    if transport is not None:
        return httpx.Client(transport=transport, trust_env=False)
    secure = any(endpoint.scheme == "https" for endpoint in settings.endpoints)
    if proxies.of_environment():
        from rmqctl.api import tls  # rare, and not free to import

        verify = tls.context(settings.tls) if secure else tls.no_context()
        try:
            return httpx.Client(verify=verify)
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            raise ConfigError(f"HTTP_PROXY, HTTPS_PROXY or ALL_PROXY: {error}") from None
    return httpx.Client(transport=HttpTransport(wire), trust_env=False)


def _decoded(response: httpx.Response, endpoint: Endpoint) -> Any:
    if response.is_redirect:
        raise RmqctlError(f"{endpoint.url}: redirects to {response.headers.get('location', '?')}: give that URL")
    content = response.content
    if not content.strip():
        return None
    try:
        return json.loads(content)
    except ValueError:
        pass
    if response.status_code >= 400:
        return None
    kind = response.headers.get("content-type", "no content type").partition(";")[0]
    raise RmqctlError(f"{endpoint.url}: this is no RabbitMQ management API (an answer of {kind}, not JSON)")
