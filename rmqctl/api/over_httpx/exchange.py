"""A request through an httpx client: one endpoint, one answer, every failure in our words."""

import time
from collections.abc import Callable

import httpx

from rmqctl.api import proxies
from rmqctl.api.answers import LONGEST, TooLong, body_of, too_long
from rmqctl.api.over_httpx.transport import SENT, HttpTransport
from rmqctl.api.request import Answer, Request
from rmqctl.api.wire import Sent, Wire
from rmqctl.errors import ConfigError
from rmqctl.settings import Settings

Log = Callable[[str], None] | None


class Exchange:
    """Asks by `transport`, else on the wire's connections, or in httpx's own way where the environment sets a proxy."""

    def __init__(self, settings: Settings, wire: Wire, transport: httpx.BaseTransport | None) -> None:
        # A request that one endpoint fails is for the next, if there is one: its error need not say what to start here.
        self._alone = len(settings.endpoints) == 1
        self._http = _http_client(settings, wire, transport)

    def ask(self, request: Request, log: Log) -> Answer:
        """The answer, whatever its status, to a request. Raises RmqctlError."""
        return self._answer(request, None, log)

    def take_over(self, sent: Sent, request: Request, log: Log) -> Answer:
        """As `ask`, to a request that the wire has sent ahead: httpx gets it as its own, and the transport only reads."""
        return self._answer(request, sent, log)

    def _answer(self, request: Request, sent: Sent | None, log: Log) -> Answer:
        endpoint, url = request.endpoint, request.endpoint.url + request.target
        started = sent.started if sent else time.perf_counter()
        try:
            status, headers, content = self._read(request, url, sent)
        except TooLong:
            raise too_long(endpoint.url) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            from rmqctl.api.over_httpx import failures  # rare, and not free to import

            if log:
                log(f"{request.method} {url}: {type(error).__name__}")
            proxy = proxies.between(endpoint)
            raise failures.of_transport(error, endpoint.url, request.limit, alone=self._alone, proxy=proxy) from error
        if log:
            milliseconds = (time.perf_counter() - started) * 1000
            since = " since it was sent ahead" if sent else ""
            log(f"{request.method} {url}: {status}, {len(content)} bytes, {milliseconds:.0f} ms{since}")
        return Answer(status, body_of(status, content, headers, endpoint.url, text=request.text), headers)

    def _read(self, request: Request, url: str, sent: Sent | None) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and body. Raises TooLong, and whatever httpx does."""
        left = None if request.deadline is None else max(request.deadline - time.monotonic(), 0.0)
        with self._http.stream(
            request.method,
            url,
            headers=request.headers,
            json=request.body,
            timeout=httpx.Timeout(left, connect=request.connect),
            extensions={SENT: sent} if sent else None,
        ) as response:
            pieces = []
            size = 0
            for piece in response.iter_bytes():
                size += len(piece)
                if size > LONGEST:
                    raise TooLong
                # httpx's own transport gives each read the whole time.
                if request.deadline is not None and time.monotonic() > request.deadline:
                    raise httpx.ReadTimeout("no answer in time")
                pieces.append(piece)
            return response.status_code, response.headers, b"".join(pieces)

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
