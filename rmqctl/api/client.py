"""The HTTP client: one request at a time, the next endpoint when one is unreachable, errors in one shape."""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from threading import Lock, Thread
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx

from rmqctl.api import failures, proxies, tls
from rmqctl.api.transport import HttpTransport
from rmqctl.errors import ConfigError, RmqctlError, TimedOut, Unreachable
from rmqctl.settings import Endpoint, Settings

CONNECT_TIMEOUT = 10.0
"""Seconds until an endpoint that does not answer at all counts as unreachable."""

_JSON = "application/json"
_TEXT = "text/plain"
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


class Answer(NamedTuple):
    """One answer: HTTP status, decoded JSON (None when the body is empty) and headers."""

    status: int
    body: Any
    headers: Mapping[str, str]


def tags_of(user: Mapping[str, Any]) -> set[str]:
    """The tags in an answer of GET /api/whoami: a text with commas in older releases, a list in newer ones."""
    tags = user.get("tags") or ()
    return set(tags.split(",") if isinstance(tags, str) else tags)


class Client:
    """Asks the endpoints in their order.

    `password` is called with the user once, before the first request that needs it. `warn` takes lines for the
    user (an endpoint passed over), `log` those of --verbose. `timeout` is in seconds for one whole answer, None: no limit.
    These three may be changed.
    """

    def __init__(
        self,
        settings: Settings,
        password: Callable[[str], str],
        warn: Callable[[str], None],
        log: Callable[[str], None] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._password = password
        self.warn = warn
        self.log = log
        self._endpoints = list(settings.endpoints)
        self._who: Callable[[], Any] | None = None
        self._passed_over: set[Endpoint] = set()
        self._passwords: dict[str, str] = {}
        # Requests may run side by side (`get_ahead`): one of them moves to the next endpoint, one asks for the password.
        self._lock = Lock()
        self.timeout = settings.timeout
        if any(endpoint.scheme == "https" for endpoint in self._endpoints) and settings.tls.insecure:
            warn(
                "warning: --insecure: the broker's certificate is NOT verified; anyone in between can read the password"
            )
        self._http = _http_client(settings, transport)

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
        """Starts a GET beside the requests that follow. The function returned waits for its JSON, or raises its error."""
        answers: list[Any] = []
        errors: list[BaseException] = []

        def ask() -> None:
            try:
                answers.append(self.get(path, query, what=what))
            except BaseException as error:  # raised where the answer is waited for
                errors.append(error)

        thread = Thread(target=ask, daemon=True)
        thread.start()

        def wait() -> Any:
            thread.join()
            if errors:
                raise errors[0]
            return answers[0]

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
        answer = self._ask_endpoints(method, path, query, body, media, headers or {})
        if answer.status >= 400 and answer.status not in accept:
            raise failures.of_answer(answer.status, answer.body, what or path, self.endpoint.url, self._caller, path)
        return answer

    def close(self) -> None:
        self._http.close()

    def _ask_endpoints(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Any,
        media: str,
        headers: Mapping[str, str],
    ) -> Answer:
        unreachable: list[Unreachable] = []
        for endpoint in list(self._endpoints):
            try:
                answer = self._ask(endpoint, method, path, query, body, media, headers)
                self._passed_over.discard(endpoint)
                return answer
            except Unreachable as error:
                if method not in ("GET", "HEAD") and not isinstance(error.__cause__, _NEVER_SENT):
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

    def _ask(
        self,
        endpoint: Endpoint,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Any,
        media: str,
        more_headers: Mapping[str, str],
    ) -> Answer:
        target = endpoint.url + path + (f"?{_query(query)}" if query else "")
        # Paths that only change something offer no JSON, and refuse whoever asks for that alone.
        accept = media if method in ("GET", "HEAD") else f"{media}, */*;q=0.1"
        headers = {"Authorization": self._authorization(endpoint), "Accept": accept, **more_headers}
        if endpoint.host in _LOOPBACK:
            # Compression saves bytes, not time, when both ends are on one machine.
            headers["Accept-Encoding"] = "identity"
        if self.timeout == 0:
            # A socket takes 0 for "do not wait"; rabbitmqctl takes it for a time-out that has passed.
            raise TimedOut(f"{endpoint.url}: no answer within 0 seconds (--timeout)")
        started = time.perf_counter()
        try:
            response = self._http.request(
                method,
                target,
                headers=[(name.encode(), value.encode(errors="surrogateescape")) for name, value in headers.items()],
                json=body,
                timeout=httpx.Timeout(self.timeout, connect=_connect_timeout(self.timeout)),
            )
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            if self.log:
                self.log(f"{method} {target}: {type(error).__name__}")
            alone = len(self._endpoints) == 1
            proxy = proxies.between(endpoint)
            raise failures.of_transport(error, endpoint.url, self.timeout, alone=alone, proxy=proxy) from error
        if self.log:
            milliseconds = (time.perf_counter() - started) * 1000
            self.log(f"{method} {target}: {response.status_code}, {len(response.content)} bytes, {milliseconds:.0f} ms")
        if media == _TEXT and response.is_success:
            return Answer(response.status_code, response.text, response.headers)
        return Answer(response.status_code, _decoded(response, endpoint), response.headers)

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


def _connect_timeout(timeout: float | None) -> float:
    return CONNECT_TIMEOUT if timeout is None else min(timeout, CONNECT_TIMEOUT)


def _query(query: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe=',.')}" for name, value in query.items())


def _http_client(settings: Settings, transport: httpx.BaseTransport | None) -> httpx.Client:
    """An httpx client on our transport, or on httpx's own where a proxy is set in the environment."""
    if transport is not None:
        return httpx.Client(transport=transport, trust_env=False)
    secure = any(endpoint.scheme == "https" for endpoint in settings.endpoints)
    if proxies.of_environment():
        verify = tls.context(settings.tls) if secure else tls.no_context()
        try:
            return httpx.Client(verify=verify)
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            raise ConfigError(f"HTTP_PROXY, HTTPS_PROXY or ALL_PROXY: {error}") from None
    return httpx.Client(transport=HttpTransport(lambda: tls.context(settings.tls)), trust_env=False)


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
