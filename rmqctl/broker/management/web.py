"""A request as handlers see it, what they may answer, and the errors that become answers."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rmqctl.broker.amqp.errors import error_of
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.errors import Reason, Refusal
from rmqctl.broker.core.users import User
from rmqctl.broker.core.vhost import VHost
from rmqctl.broker.management import documents
from rmqctl.broker.management.rates import Rates

Row = dict[str, Any]
_LINE = 80


class HttpError(Exception):
    """Answered with `status` and RabbitMQ's `{"error": ..., "reason": ...}`, or with no body when there is no error."""

    def __init__(self, status: int, error: str = "", reason: Any = "") -> None:
        super().__init__(f"{status} {error}: {reason}")
        self.status = status
        self.error = error
        self.reason = reason


def bad_request(reason: Any) -> HttpError:
    return HttpError(400, "bad_request", reason)


def unauthorised(reason: str) -> HttpError:
    return HttpError(401, "not_authorised", reason)


def missing() -> HttpError:
    """What is asked for does not exist."""
    return HttpError(404, "Object Not Found", "Not Found")


# What the API says of a refusal of the core, by its reason: status, and error.
_REFUSALS = {
    Reason.ACCESS_REFUSED: (401, "not_authorised"),
    Reason.NOT_ALLOWED: (401, "not_authorised"),
    Reason.NOT_FOUND: (404, "not_found"),
    Reason.RESOURCE_LOCKED: (400, "bad_request"),
    Reason.PRECONDITION_FAILED: (400, "bad_request"),
    Reason.NOT_IMPLEMENTED: (400, "bad_request"),
    Reason.INTERNAL_ERROR: (400, "bad_request"),
    Reason.INVALID: (400, "bad_request"),
}


def of_refusal(refusal: Refusal) -> HttpError:
    """A refusal of the core, as RabbitMQ's API words it."""
    status, error = _REFUSALS[refusal.reason]
    if status == 401:
        return HttpError(status, error, "Access refused.")
    return HttpError(status, error, refusal.text if refusal.term is None else refusal.term)


def over_a_channel(refusal: Refusal, *, unauthorised: bool = False) -> HttpError:
    """The same where RabbitMQ's API uses a channel of its own (publish, get): with reply code and name.

    `unauthorised`: what the user may not do is 401, not 400.
    """
    error = error_of(refusal)
    if unauthorised and refusal.reason is Reason.ACCESS_REFUSED:
        return HttpError(401, "not_authorised", error.reply)
    return bad_request(f"{error.code} {error.reply}")


def too_large() -> HttpError:
    return bad_request("Exceeded HTTP request body size limit")


class Created(NamedTuple):
    """201; `location` is relative to the address that was asked."""

    location: str = ""


class Answer(NamedTuple):
    """Any other status than 200 with a body of JSON, more headers, or `text` instead of JSON."""

    status: int
    body: Any = None
    text: str | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class Kept(NamedTuple):
    """200, or 204 without a body, which goes out once the store has what it was told until now."""

    body: Any


class Json(NamedTuple):
    """200 with a body that is encoded already."""

    body: bytes
    headers: Mapping[str, str] = {}


Slices = Generator[None, None, Any]
"""What a handler returns that takes its time: whoever drives it lets others go on at each step; it ends with the answer."""
SLICE = 100
"""How many rows or messages are handled between two steps: some milliseconds."""


class Ports(NamedTuple):
    """Where the broker listens: on the address `host`, as it was told by `name`."""

    amqp: int
    http: int
    host: str = "127.0.0.1"
    name: str = "localhost"


@dataclass(frozen=True)
class Call:
    """`params` are the names in the path, decoded; `query` has the first value of each parameter; `host` is the client's."""

    broker: Broker
    rates: Rates
    ports: Ports
    user: User
    method: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    host: str
    body: bytes

    def __getitem__(self, name: str) -> str:
        return self.params[name]

    def flag(self, name: str) -> bool:
        return self.query.get(name) == "true"

    # ------------------------------------------------------------------------------------------------------------ body

    def json(self, *required: str) -> Row:
        """The body, an object; {} when it is empty. Raises 400, also when a key is missing."""
        document = parse_object(self.body)
        if lacking := [f"{{key_missing,{key}}}" for key in required if key not in document]:
            raise bad_request(_terms(lacking))
        return document

    # ------------------------------------------------------------------------------------------------------ who may what

    @property
    def is_admin(self) -> bool:
        return "administrator" in self.user.tags

    @property
    def is_monitor(self) -> bool:
        return self.is_admin or "monitoring" in self.user.tags

    @property
    def is_policymaker(self) -> bool:
        return self.is_admin or "policymaker" in self.user.tags

    def sees(self, vhost: str) -> bool:
        return self.is_admin or vhost in self.user.permissions

    def vhosts(self) -> list[VHost]:
        """Those that the user sees; the one in the path when there is one."""
        if "vhost" in self.params:
            return [self.vhost()]
        return [self.broker.vhosts[name] for name in sorted(self.broker.vhosts) if self.sees(name)]

    def vhost(self) -> VHost:
        """The one in the path. Raises 404."""
        name = self["vhost"]
        found = self.broker.vhosts.get(name)
        if found is None:
            raise HttpError(404, "not_found", "vhost_not_found") if self.method in ("PUT", "POST") else missing()
        return found


Handler = Callable[[Call], Any]


def parse_object(body: bytes) -> Row:
    """A body that has to be an object; some clients send the words null and undefined for none."""
    if body in (b"", b"null", b"undefined"):
        return {}
    try:
        document = documents.parse(body)
    except documents.NotJson:
        raise bad_request("not_json") from None
    if isinstance(document, str):
        raise bad_request(
            "invalid payload: the request body JSON-decoded to a string. Is the input doubly-JSON-encoded?"
        )
    if not isinstance(document, dict):
        raise bad_request("not_json")
    return document


def _terms(terms: list[str]) -> str:
    """A list as Erlang prints it: one to a line when it is too long for one line."""
    line = f"[{','.join(terms)}]"
    return line if len(line) <= _LINE else "[" + ",\n ".join(terms) + "]"


def in_order(value: Any) -> Any:
    """A table with its keys sorted, and those of the tables in it: so does Erlang with its maps."""
    if isinstance(value, dict):
        return {key: in_order(inner) for key, inner in sorted(value.items())}
    return [in_order(inner) for inner in value] if isinstance(value, list) else value
