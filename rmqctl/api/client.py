"""The HTTP client: one request at a time, the next endpoint when one is unreachable, errors in one shape.

How a request travels:

1. A command calls a verb of `rmqctl.api` with `session.client`, which is made of the run's settings at its first use: the
   endpoints in their order, the credentials, TLS, --timeout. The verb knows path, query and body, and calls `get`,
   `request`, or `get_ahead` for an answer that it needs later.
2. `_compose` makes the `Request` for one endpoint, with its log-in. The password is asked for here, once for each user.
3. `_send` writes it on a connection of `wire.Wire`, before httpx is there, if it is the first GET of the run or one of
   `get_ahead`: the broker works while httpx is imported, which takes about as long as a short list. It leaves to httpx what
   only httpx can send: by a proxy, by a test's transport, to a URL that it has to spell.
4. `_exchange` imports httpx. `Exchange.take_over` is handed what is on its way already, and reads the answer to it;
   `Exchange.ask` sends whatever is not. Both go through httpx and `over_httpx.transport` to the connections of the wire. A
   connection whose answer was read is kept for the next request. The broker may have closed it meanwhile: a GET is then sent
   again on a new one.
5. The answer is read up to `answers.LONGEST` bytes, and is the broker's only if it looks like it (`answers.body_of`).
   `_checked` raises what a status of 400 and above means (`api.failures`), or that a proxy spoilt the path. `_typed` makes
   unknown what is not of the type that the API promises (`fields.typed`).
6. A request that failed raises what a table makes of httpx's exception (`over_httpx.failures`). If the endpoint was
   unreachable, `_ask_endpoints` goes on to the next: with a GET always, with a change only if it cannot have arrived. The
   endpoint that failed is asked last from then on, and the user is told once.
7. The time of --timeout begins with the first request and is for all that follow, until `begin`. A connection has
   CONNECT_TIMEOUT of it; each read and write has what is left (`wire.wait_at_most`), and so has an answer that drips.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rmqctl import __version__
from rmqctl.api import failures, fields, proxies, wire
from rmqctl.api.request import Answer, Request
from rmqctl.errors import NotConnected, RmqctlError, TimedOut, Unreachable
from rmqctl.settings import Endpoint, Settings

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

    from rmqctl.api.over_httpx.exchange import Exchange

CONNECT_TIMEOUT = 10.0
"""Seconds until an endpoint that does not answer at all counts as unreachable."""

_JSON = "application/json"
_TEXT = "text/plain"
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


def tags_of(user: Mapping[str, Any]) -> set[str]:
    """The tags in an answer of GET /api/whoami: a text with commas in older releases, a list in newer ones."""
    tags = user.get("tags") or ()
    return set(tags.split(",") if isinstance(tags, str) else tags)


class Client:
    """Asks the endpoints in their order.

    `password` is called with the user once, before the first request that needs it. `warn` takes lines for the
    user (an endpoint passed over), `log` those of --verbose. `timeout` is in seconds for all requests of a piece of work
    together (`begin`), None: no limit. These three may be changed.
    """

    def __init__(
        self,
        settings: Settings,
        password: Callable[[str], str],
        warn: Callable[[str], None],
        log: Callable[[str], None] | None = None,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        self._settings = settings
        self._password = password
        self.warn = warn
        self.log = log
        self._endpoints = list(settings.endpoints)
        self._who: Callable[[], Any] | None = None
        self._passed_over: set[Endpoint] = set()
        self._passwords: dict[str, str] = {}
        # Threads may share a client: one of them moves to the next endpoint, one asks for the password.
        self._lock = Lock()
        self._deadline: float | None = None
        self._timeout = settings.timeout
        if any(endpoint.scheme == "https" for endpoint in self._endpoints) and settings.tls.insecure:
            warn(
                "warning: --insecure: the broker's certificate is NOT verified; anyone in between can read the password"
            )
        self._transport = transport
        self._wire = wire.Wire(self._tls)
        self._made: Exchange | None = None
        self._slashes_seen = False
        self._opening = Lock()

    @property
    def timeout(self) -> float | None:
        """Seconds from the first request on; to set them begins anew."""
        return self._timeout

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._timeout = seconds
        self.begin()

    def deadline(self) -> float | None:
        """When the time is up, on the monotonic clock; it begins now if it has not. None: never."""
        if self._deadline is None and self._timeout is not None:
            self._deadline = monotonic() + self._timeout
        return self._deadline

    def begin(self) -> None:
        """The time limit is for what follows: a new look, a new round, whatever is no part of the work before."""
        self._deadline = None

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that answered last, or will be asked first."""
        return self._endpoints[0]

    @property
    def user(self) -> str:
        """Who is logged in at that endpoint."""
        return self.endpoint.user or self._settings.credentials.user

    @property
    def _caller(self) -> str:
        """Who is logged in, for the texts of errors."""
        by_token = self._settings.credentials.token is not None and self.endpoint.user is None
        return failures.BEARER if by_token else f"user {self.user!r}"

    @property
    def log_in(self) -> tuple[str, str]:
        """User and password at that endpoint, for AMQP. A token serves as the password, as RabbitMQ's OAuth 2 takes it."""
        token = self._settings.credentials.token
        if token is not None and self.endpoint.user is None:
            return "", token
        return self._log_in_of(self.endpoint)

    def get(self, path: str, query: Mapping[str, str] | None = None, *, what: str = "") -> Any:
        """The decoded JSON of a GET. `what` names the object for error texts. Raises RmqctlError."""
        return self.request("GET", path, query, what=what).body

    def get_ahead(self, path: str, query: Mapping[str, str] | None = None, *, what: str = "") -> Callable[[], Any]:
        """Sends a GET, which the requests that follow do not wait for. The function returned waits for its JSON, or raises
        its error; it may be called again."""
        ask = partial(self._compose, method="GET", path=path, query=query)
        endpoint = self.endpoint
        ahead = {endpoint: self._send(ask(endpoint))}

        @cache
        def wait() -> Any:
            return self._typed(self._checked(self._ask_endpoints(ask, ahead), path, what), path, query).body

        return wait

    def caller_ahead(self) -> Callable[[], Any]:
        """Who is logged in, GET /api/whoami: asked once, beside the requests that follow."""
        self._who = self._who or self.get_ahead("/api/whoami", what="the user")
        return self._who

    def get_text(self, path: str, *, what: str = "") -> str:
        """The text of a GET of one of the few paths that serve no JSON."""
        return str(self.request("GET", path, what=what, media=_TEXT).body or "")

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        what: str = "",
        accept: Sequence[int] = (),
        media: str = _JSON,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request for an answer of that media type. Answers of 400 and above raise, but for the statuses in `accept`.

        A request that changes something goes to the next endpoint only if it cannot have reached the one before.
        """
        ask = partial(
            self._compose, method=method, path=path, query=query, body=body, media=media, more_headers=headers
        )
        answer = self._checked(self._ask_endpoints(ask, {}), path, what, accept)
        return self._typed(answer, path, query) if method == "GET" and media == _JSON else answer

    def on_port(self, port: int) -> "Client":
        """A client for another service of the same host, by the same settings. It is to be closed as well."""
        endpoint = self.endpoint._replace(port=port, prefix="")
        settings = self._settings._replace(endpoints=(endpoint,), timeout=self._timeout)
        return Client(settings, self._password, self.warn, self.log, self._transport)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()
        self._wire.close()

    def _checked(self, answer: Answer, path: str, what: str, accept: Sequence[int] = ()) -> Answer:
        if "%2F" in path:
            self._refuse_lost_slashes(answer, accept)
        if answer.status >= 400 and answer.status not in accept:
            raise failures.of_answer(answer.status, answer.body, what or path, self.endpoint.url, self._caller, path)
        return answer

    def _refuse_lost_slashes(self, answer: Answer, accept: Sequence[int]) -> None:
        """Once: where there is a proxy by the look of the answer, and before "not found" is believed of any broker."""
        lost = answer.status in (404, 405) and answer.status not in accept and "server" in answer.headers
        if self._slashes_seen or not (proxies.answered(answer.headers) or lost):
            return
        self._slashes_seen = True
        proxies.refuse_lost_slashes(self._probe, self.endpoint.url)

    def _probe(self, path: str) -> Any:
        """The JSON of a GET, None where it fails in whatever way."""
        try:
            answer = self._ask_endpoints(partial(self._compose, method="GET", path=path, query={"columns": "name"}), {})
        except RmqctlError:
            return None
        return answer.body if answer.status == 200 else None

    def _typed(self, answer: Answer, path: str, query: Mapping[str, str] | None) -> Answer:
        if answer.status != 200:
            return answer
        return answer._replace(body=fields.typed(path, answer.body, self.endpoint.url, query or {}))

    def _ask_endpoints(self, ask: Callable[[Endpoint], Request], ahead: dict[Endpoint, wire.Sent | None]) -> Answer:
        """One endpoint after the other until one answers. `ahead` is what was sent before: each is answered once."""
        unreachable: list[Unreachable] = []
        for endpoint in list(self._endpoints):
            request = ask(endpoint)
            try:
                answer = self._ask(request, ahead.pop(endpoint, None))
                self._passed_over.discard(endpoint)
                return answer
            except Unreachable as error:
                if request.method not in ("GET", "HEAD") and not isinstance(error, NotConnected):
                    raise Unreachable(f"{error}; whether it was done is not known") from error.__cause__
                unreachable.append(error)
                if self._pass_over(endpoint):
                    self.warn(f"warning: {error}; trying {self.endpoint.url}")
        if len(unreachable) == 1:
            raise unreachable[0]
        raise Unreachable("no broker is reachable: " + "; ".join(str(error) for error in unreachable))

    def _pass_over(self, endpoint: Endpoint) -> bool:
        """Endpoints that fail go last, so that the one that answers stays the one that is asked.

        False when the user has been told of it already (requests side by side fail one by one), or none is left.
        """
        with self._lock:
            if self._endpoints[0] is endpoint:
                self._endpoints.append(self._endpoints.pop(0))
            new = endpoint not in self._passed_over
            self._passed_over.add(endpoint)
            return new and len(self._passed_over) < len(self._endpoints)

    def _compose(
        self,
        endpoint: Endpoint,
        *,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Any = None,
        media: str = _JSON,
        more_headers: Mapping[str, str] | None = None,
    ) -> Request:
        """The request for one endpoint. Raises TimedOut when there is no time for it."""
        deadline, connect = self._time_left(endpoint)
        headers = {
            # Paths that only change something offer no JSON, and refuse whoever asks for that alone.
            "Accept": media if method in ("GET", "HEAD") else f"{media}, */*;q=0.1",
            # Compression saves bytes, not time, when both ends are on one machine.
            "Accept-Encoding": "identity" if endpoint.host in _LOOPBACK else "gzip, deflate",
            "User-Agent": f"rmqctl/{__version__}",
            "Authorization": self._authorization(endpoint),
            **(more_headers or {}),
        }
        return Request(
            endpoint,
            method,
            path + (f"?{_query(query)}" if query else ""),
            [(name.encode(), value.encode(errors="surrogateescape")) for name, value in headers.items()],
            body,
            media == _TEXT,
            deadline,
            self._timeout,
            connect,
        )

    def _time_left(self, endpoint: Endpoint) -> tuple[float | None, float]:
        """When the time is up (None: never), and the seconds for a connection. Raises TimedOut when it is up already."""
        deadline = self.deadline()
        if deadline is None:
            return None, CONNECT_TIMEOUT
        left = deadline - monotonic()
        if left <= 0:
            raise TimedOut(f"{endpoint.url}: no answer within {self._timeout:g} seconds (--timeout)")
        return deadline, min(left, CONNECT_TIMEOUT)

    def _ask(self, request: Request, sent: wire.Sent | None) -> Answer:
        if sent is None and self._made is None and request.method == "GET":
            sent = self._send(request)
        exchange = self._exchange()
        return exchange.take_over(sent, request, self.log) if sent else exchange.ask(request, self.log)

    def _exchange(self) -> "Exchange":
        """The side that needs httpx, made by the first request."""
        with self._opening:
            if self._made is None:
                from rmqctl.api.over_httpx.exchange import Exchange

                self._made = Exchange(self._settings, self._wire, self._transport)
            return self._made

    def _send(self, request: Request) -> wire.Sent | None:
        """Writes a GET before httpx is there. None where that is for httpx: by a proxy, or a URL that it has to spell."""
        endpoint = request.endpoint
        target = endpoint.prefix + request.target
        plain = f"{endpoint.host}{target}"
        if self._transport or proxies.in_force() or not (plain.isascii() and plain.isprintable() and " " not in plain):
            return None
        host = endpoint.url.removesuffix(endpoint.prefix).partition("//")[2]
        data = wire.head(request.method, target, [(b"Host", host.encode()), *request.headers])
        address = wire.Address(endpoint.scheme, endpoint.host, endpoint.port)
        return self._wire.send(address, data, request.connect, request.deadline)

    def _tls(self) -> "SSLContext":
        from rmqctl.api import tls

        return tls.context(self._settings.tls)

    def _authorization(self, endpoint: Endpoint) -> str:
        credentials = self._settings.credentials
        if credentials.token is not None and endpoint.user is None:
            return f"Bearer {credentials.token}"
        user, password = self._log_in_of(endpoint)
        return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")

    def _log_in_of(self, endpoint: Endpoint) -> tuple[str, str]:
        user = endpoint.user or self._settings.credentials.user
        if endpoint.password is not None:
            return user, endpoint.password
        with self._lock:
            if user not in self._passwords:
                self._passwords[user] = self._password(user)
        return user, self._passwords[user]


def _query(query: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe=',.')}" for name, value in query.items())
