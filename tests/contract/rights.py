"""Who may do what over HTTP: every path, method and user from one state, recorded from RabbitMQ.

    python -m tests.contract.rights URL AMQP-PORT > tests/recordings/4.3.6/rights.txt

URL is that of a node's management with the name and password of an administrator; what the recorder makes there, it
removes again. It takes a few minutes: whatever an answer changes is put back before the next request. The node's
statistics are reset several times.

A recording has a line for each method and path, with an answer for each user. An answer is the status; behind a colon
the number of rows of a list that belong to the state; behind a status from 400 to 499 a letter for the body, which
the end of the file spells out. One answer alone is that for every user.
"""

import itertools
import json
import re
import socket
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urlsplit

import httpx
from pamqp import commands, frame

METHODS = ("GET", "PUT", "POST", "DELETE")
READING = ("GET", "HEAD")
MINE, OTHER, SPARE = "rights-mine", "rights-other", "rights-spare"
EVERYTHING, NOTHING = ".*", ""


class Given(NamedTuple):
    """A user of the state: `permission` is configure, write and read in the virtual host `rights-mine`."""

    tags: str
    permission: tuple[str, str, str] | None = (EVERYTHING,) * 3


USERS = {
    "administrator": Given("administrator"),
    "administrator-outside": Given("administrator", None),
    "monitoring": Given("monitoring"),
    "monitoring-outside": Given("monitoring", None),
    "policymaker": Given("policymaker"),
    "policymaker-outside": Given("policymaker", None),
    "monitoring-policymaker-outside": Given("monitoring,policymaker", None),
    "management": Given("management"),
    "management-outside": Given("management", None),
    "management-configuring": Given("management", (EVERYTHING, NOTHING, NOTHING)),
    "management-writing": Given("management", (NOTHING, EVERYTHING, NOTHING)),
    "management-reading": Given("management", (NOTHING, NOTHING, EVERYTHING)),
    "impersonator": Given("impersonator"),
    "untagged": Given(""),
}
OWNER = "management"
"""Who has a connection to `rights-mine`, with a channel and a consumer."""
STRANGERS = ("unknown", "wrong-password", "nobody")
"""Of nobody there are no credentials at all."""
CALLERS = (*USERS, *STRANGERS)
VICTIM = "rights-victim"

# {a,b} stands for both; <node>, <connection> and <channel> for the names of those that there are.
_VHOST = "{rights-mine,rights-other,rights-none}"
PATTERNS = (
    "overview",
    "cluster-name",
    "nodes",
    "nodes/{<node>,none}",
    "nodes/{<node>,none}/memory",
    "nodes/{<node>,none}/memory/relative",
    "nodes/<node>/memory/ets",
    "nodes/<node>/memory/ets/relative",
    "nodes/<node>/memory/ets/management",
    "nodes/<node>/memory/ets/management/relative",
    "extensions",
    "all-configuration",
    "definitions",
    f"definitions/{_VHOST}",
    "parameters",
    "parameters/{vhost-limits,none}",
    f"parameters/{{vhost-limits,none}}/{_VHOST}",
    f"parameters/vhost-limits/{_VHOST}/{{limits,none}}",
    f"parameters/operator_policy/{_VHOST}/{{o,none}}",
    "global-parameters",
    "global-parameters/{rights,rights-none}",
    "policies",
    f"policies/{_VHOST}",
    f"policies/{_VHOST}/{{p,none}}",
    "operator-policies",
    f"operator-policies/{_VHOST}",
    f"operator-policies/{_VHOST}/{{o,none}}",
    "vhost-limits",
    f"vhost-limits/{_VHOST}",
    f"vhost-limits/{_VHOST}/{{max-queues,max-connections,none}}",
    "connections",
    "connections/{<connection>,none}",
    "connections/username/{rights-management,rights-victim,rights-none}",
    "connections/{<connection>,none}/channels",
    "connections/{<connection>,none}/sessions",
    "channels",
    "channels/{<channel>,none}",
    "consumers",
    f"consumers/{_VHOST}",
    "exchanges",
    f"exchanges/{_VHOST}",
    f"exchanges/{_VHOST}/{{x,none}}",
    f"exchanges/{_VHOST}/{{x,none}}/publish",
    "exchanges/rights-mine/amq.topic/publish",
    f"exchanges/{_VHOST}/{{x,none}}/bindings/source",
    f"exchanges/{_VHOST}/{{y,none}}/bindings/destination",
    "queues",
    "queues/detailed",
    f"queues/{_VHOST}",
    f"queues/{_VHOST}/{{q,none}}",
    f"queues/{_VHOST}/{{q,none}}/bindings",
    f"queues/{_VHOST}/{{q,none}}/contents",
    f"queues/{_VHOST}/{{q,none}}/get",
    f"queues/{_VHOST}/{{q,none}}/actions",
    f"queues/quorum/{_VHOST}/{{q,none}}/status",
    f"queues/quorum/{_VHOST}/{{q,none}}/replicas/add",
    f"queues/quorum/{_VHOST}/{{q,none}}/replicas/delete",
    "queues/quorum/replicas/on/{<node>,none}/grow",
    "queues/quorum/replicas/on/{<node>,none}/shrink",
    "bindings",
    f"bindings/{_VHOST}",
    f"bindings/{_VHOST}/e/x/q/{{q,none}}",
    f"bindings/{_VHOST}/e/x/e/{{y,none}}",
    f"bindings/{_VHOST}/e/x/q/q/{{k,none}}",
    f"bindings/{_VHOST}/e/x/e/y/{{k,none}}",
    "bindings/rights-mine/e/amq.topic/q/q",
    "bindings/rights-mine/e/amq.topic/q/q/k",
    "vhosts",
    "vhosts/{rights-spare,rights-none}",
    "vhosts/{rights-spare,rights-none}/deletion/protection",
    "vhosts/{rights-spare,rights-none}/start/{<node>,none}",
    f"vhosts/{_VHOST}/permissions",
    f"vhosts/{_VHOST}/topic-permissions",
    f"vhosts/{_VHOST}/connections",
    f"vhosts/{_VHOST}/channels",
    "users",
    "users/bulk-delete",
    "users/without-permissions",
    "users/{rights-victim,rights-none}",
    "users/{rights-victim,rights-management,rights-none}/permissions",
    "users/{rights-victim,rights-management,rights-none}/topic-permissions",
    "users/{rights-management,rights-none}/queues",
    "user-limits",
    "user-limits/{rights-victim,rights-management,rights-none}",
    "user-limits/{rights-victim,rights-none}/{max-channels,max-connections,none}",
    "feature-flags",
    "feature-flags/{stream_queue,none}/enable",
    "deprecated-features",
    "deprecated-features/used",
    "whoami",
    "permissions",
    f"permissions/{_VHOST}/{{rights-victim,rights-none}}",
    "topic-permissions",
    f"topic-permissions/{_VHOST}/{{rights-victim,rights-none}}",
    f"topic-permissions/{_VHOST}/rights-victim/{{amq.topic,none}}",
    f"aliveness-test/{_VHOST}",
    "healthchecks/node",
    "healthchecks/node/{<node>,none}",
    "health/checks/alarms",
    "health/checks/local-alarms",
    "health/checks/metadata-store/initialized",
    "health/checks/metadata-store/initialized/with-data",
    "health/checks/certificate-expiration/1/days",
    "health/checks/port-listener/{1,none}",
    "health/checks/protocol-listener/{amqp,none}",
    "health/checks/virtual-hosts",
    "health/checks/quorum-queues-without-elected-leaders/all-vhosts",
    f"health/checks/quorum-queues-without-elected-leaders/vhost/{_VHOST}",
    "health/checks/quorum-queues-without-elected-leaders/all-vhosts/pattern/q",
    f"health/checks/quorum-queues-without-elected-leaders/vhost/{_VHOST}/pattern/q",
    "health/checks/node-is-quorum-critical",
    "health/checks/is-in-service",
    "health/checks/below-node-connection-limit",
    "health/checks/ready-to-serve-clients",
    "health/checks/reached-target-cluster-size",
    "reset",
    "reset/{<node>,none}",
    "rebalance/queues",
    "auth/attempts/{<node>,none}",
    "auth/attempts/{<node>,none}/source",
    "login",
    "config/effective",
    "auth/hash_password/secret",
    "version",
    "none",
)


class Reply(NamedTuple):
    status: int
    body: bytes


User = tuple[str, str] | None
"""Name and password."""
ADMIN: User = ("", "")
"""Whoever was administrator before."""


class Broker(Protocol):
    """What is asked. `names`: of the node and the cluster, and after `connect` of the connection and the channel."""

    names: dict[str, str]

    def ask(self, method: str, path: str, body: Any, user: User) -> Reply:
        """`path` is encoded and without /api/."""
        ...

    def connect(self, opening: bytes) -> None:
        """A new AMQP connection in place of the one before. This is all that its client sends."""
        ...


class Line(NamedTuple):
    method: str
    path: str

    @property
    def area(self) -> str:
        return self.path.partition("/")[0]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def lines() -> Iterator[Line]:
    for pattern in PATTERNS:
        for path in _expanded(pattern):
            for method in METHODS:
                yield Line(method, path)


def _expanded(pattern: str) -> Iterator[str]:
    parts = [part.split(",") for part in re.split(r"[{}]", pattern)]
    return ("".join(each) for each in itertools.product(*parts))


# ------------------------------------------------------------------------------------------------------------- the state

_OPERATOR_POLICY = {"pattern": "^q$", "definition": {"max-length": 1000}, "priority": 0, "apply-to": "queues"}


def definitions() -> dict[str, Any]:
    """All that there is but for the connection."""
    both = (MINE, OTHER)
    queue = {"durable": True, "auto_delete": False, "arguments": {}}
    exchange = {"type": "direct", "durable": True, "auto_delete": False, "internal": False, "arguments": {}}
    return {
        "vhosts": [{"name": name} for name in (*both, SPARE)],
        "users": [
            *(_user(f"rights-{name}", each.tags) for name, each in USERS.items()),
            _user("rights-wrong-password", "administrator"),
            {**_user(VICTIM, ""), "limits": {"max-connections": 10}},
        ],
        "permissions": [
            *(
                _permission(f"rights-{name}", *each.permission)
                for name, each in USERS.items()
                if each.permission is not None
            ),
            _permission(VICTIM, NOTHING, NOTHING, NOTHING),
        ],
        "topic_permissions": [
            _topic_permission(VICTIM, "a", "b"),
            _topic_permission("rights-management", "^none$", "^none$"),
            _topic_permission("rights-management-writing", "^other$", "^k$"),
        ],
        "global_parameters": [{"name": "rights", "value": 1}],
        "policies": [
            {"vhost": vhost, "name": "p", "pattern": "^q$", "definition": {"max-length": 100}, "priority": 0}
            for vhost in both
        ],
        "parameters": [
            *({"vhost": each, "component": "operator_policy", "name": "o", "value": _OPERATOR_POLICY} for each in both),
            *(
                {"vhost": each, "component": "vhost-limits", "name": "limits", "value": {"max-queues": 100}}
                for each in both
            ),
        ],
        "queues": [{"vhost": vhost, "name": "q", **queue} for vhost in both],
        "exchanges": [{"vhost": vhost, "name": name, **exchange} for vhost in both for name in ("x", "y")],
        "bindings": [
            *(_binding(vhost, "x", "q", "queue") for vhost in both),
            *(_binding(vhost, "x", "y", "exchange") for vhost in both),
            _binding(MINE, "amq.topic", "q", "queue"),
        ],
    }


def _user(name: str, tags: str) -> dict[str, Any]:
    salt = b"salt"
    digest = b64encode(salt + sha256(salt + b"secret").digest()).decode()
    return {
        "name": name,
        "password_hash": digest,
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": tags.split(",") if tags else [],
        "limits": {},
    }


def _permission(user: str, configure: str, write: str, read: str) -> dict[str, str]:
    return {"user": user, "vhost": MINE, "configure": configure, "write": write, "read": read}


def _topic_permission(user: str, write: str, read: str) -> dict[str, str]:
    return {"user": user, "vhost": MINE, "exchange": "amq.topic", "write": write, "read": read}


def _binding(vhost: str, source: str, destination: str, kind: str) -> dict[str, Any]:
    ends = {"source": source, "destination": destination, "destination_type": kind}
    return {"vhost": vhost, **ends, "routing_key": "k", "arguments": {}}


def opening() -> bytes:
    """The owner's connection, from the greeting to a consumer of a queue of its own."""
    methods = (
        (commands.Connection.StartOk({}, "PLAIN", f"\0rights-{OWNER}\0secret", "en_US"), 0),
        (commands.Connection.TuneOk(2047, 131072, 0), 0),
        (commands.Connection.Open(MINE), 0),
        (commands.Channel.Open(), 1),
        (commands.Queue.Declare(queue="consumed", durable=True), 1),
        (commands.Basic.Consume(queue="consumed"), 1),
    )
    return b"AMQP\x00\x00\x09\x01" + b"".join(frame.marshal(method, channel) for method, channel in methods)


def build(broker: Broker) -> None:
    _define(broker)
    broker.connect(opening())


def _define(broker: Broker) -> None:
    """Who makes a virtual host may do everything in it."""
    for vhost in (MINE, OTHER, SPARE):
        _made(broker.ask("PUT", f"vhosts/{vhost}", {}, ADMIN))
    _made(broker.ask("POST", "definitions", definitions(), ADMIN))


def remove(broker: Broker) -> None:
    for vhost in (MINE, OTHER, SPARE):
        broker.ask("DELETE", f"vhosts/{vhost}", None, ADMIN)
    for user in (*(f"rights-{name}" for name in (*USERS, "wrong-password")), VICTIM):
        broker.ask("DELETE", f"users/{user}", None, ADMIN)
    broker.ask("DELETE", "global-parameters/rights", None, ADMIN)


def _restore(broker: Broker, line: Line, reply: Reply) -> None:
    """After an answer that may have changed something. Not all that makes something says so."""
    path = _named(broker, line.path)
    made = reply.status == 201 or line.path.endswith(("none", "max-connections", "max-channels"))
    if line.method == "PUT" and made:
        # The exchange of a topic permission is that of the body.
        undo = path if line.area != "topic-permissions" else "/".join(path.split("/")[:3])
        broker.ask("DELETE", undo, None, ADMIN)
    if line.path.endswith("/protection"):
        broker.ask("DELETE", path, None, ADMIN)
    _define(broker)
    if line.path.startswith(("connections/", "reset")):
        broker.connect(opening())


def _made(reply: Reply) -> None:
    if reply.status not in (200, 201, 204):
        raise RuntimeError(f"cannot build the state: {reply}")


# ---------------------------------------------------------------------------------------------------------------- asking

_BODIES: tuple[tuple[str, Any], ...] = (
    (r"PUT parameters/vhost-limits/", {"value": {"max-queues": 100}}),
    (r"PUT parameters/operator_policy/", {"value": _OPERATOR_POLICY}),
    (r"PUT global-parameters/", {"value": 1}),
    (r"PUT policies/", {"pattern": "^q$", "definition": {"max-length": 100}}),
    (r"PUT operator-policies/", {"pattern": "^q$", "definition": {"max-length": 1000}}),
    (r"PUT vhost-limits/", {"value": 100}),
    (r"PUT user-limits/", {"value": 10}),
    (r"PUT queues/", {"durable": True}),
    (r"PUT exchanges/", {"type": "direct", "durable": True}),
    (r"POST .*/publish", {"routing_key": "none", "properties": {}, "payload": "", "payload_encoding": "string"}),
    (r"POST .*/get", {"ackmode": "ack_requeue_true", "count": 1, "encoding": "auto"}),
    (r"POST .*/actions", {"action": "none"}),
    (r"POST bindings/", {"routing_key": "k"}),
    (r"POST users/bulk-delete", {"users": [VICTIM]}),
    (r"PUT users/", {"password": "secret", "tags": ""}),
    (r"PUT permissions/", {"configure": "", "write": "", "read": ""}),
    (r"PUT topic-permissions/", {"exchange": "amq.topic", "write": "a", "read": "b"}),
    (r"(PUT|POST) ", {}),
)


def _body(broker: Broker, line: Line) -> Any:
    if line == Line("PUT", "cluster-name"):
        return {"name": broker.names["cluster"]}
    return next((body for pattern, body in _BODIES if re.match(pattern, str(line))), None)


def _named(broker: Broker, path: str) -> str:
    return re.sub("<([a-z]+)>", lambda found: quote(broker.names[found[1]], safe=""), path)


def credentials(caller: str) -> User:
    if caller == "nobody":
        return None
    return f"rights-{caller}", "wrong" if caller == "wrong-password" else "secret"


def answer(broker: Broker, line: Line, caller: str) -> str:
    """What this user gets: the status, with the number of rows of a list, or with the body of a refusal."""
    reply = broker.ask(line.method, _named(broker, line.path), _body(broker, line), credentials(caller))
    if line.method not in READING and not 400 <= reply.status < 500:
        _restore(broker, line, reply)
    if 400 <= reply.status < 500:
        return f"{reply.status} {_anonymous(broker, caller, reply.body.decode())}".rstrip()
    if line.path in _UNCOUNTED or not reply.body.startswith(b"["):
        return str(reply.status)
    return f"{reply.status}:{sum(_is_ours(row) for row in json.loads(reply.body))}"


# Lists of the broker's own, and Erlang terms.
_UNCOUNTED = (
    *("extensions", "nodes", "feature-flags", "deprecated-features", "deprecated-features/used", "config/effective"),
    *("auth/attempts/<node>", "auth/attempts/<node>/source"),
)


def _is_ours(row: Any) -> bool:
    """Whether a row of a list belongs to the state: the broker may have others."""
    vhost = row.get("queue", row).get("vhost")
    if vhost is not None:
        return str(vhost).startswith("rights-")
    return str(row.get("name", row.get("user"))).startswith("rights-")


def _anonymous(broker: Broker, caller: str, text: str) -> str:
    for kind in ("node", "channel", "connection"):
        text = text.replace(broker.names[kind], f"<{kind}>")
    return text.replace(f"'rights-{caller}'", "'<user>'")


Recording = Mapping[Line, Mapping[str, str]]


_WITHOUT_HEAD = re.compile(
    "(user|vhost)-limits(/[^/]+)?|auth/hash_password/.*|queues/quorum/.*/status|vhosts/.*/deletion/protection"
)


def allows_head(line: Line) -> bool:
    return _WITHOUT_HEAD.fullmatch(line.path) is None


def heads(recording: Recording) -> Iterator[tuple[Line, str, str]]:
    """HEAD of each path, with each user and the status: that of its GET, where it is allowed."""
    for line, by_caller in recording.items():
        if line.method == "GET":
            for caller, there in by_caller.items():
                yield line._replace(method="HEAD"), caller, there[:3] if allows_head(line) else "405"


def answers(broker: Broker, wanted: Iterable[Line]) -> Iterator[tuple[Line, dict[str, str]]]:
    for line in wanted:
        yield line, {caller: answer(broker, line, caller) for caller in CALLERS}


# --------------------------------------------------------------------------------------------------------- the recording

_WIDTH = 7


def as_text(recording: Recording) -> str:
    bodies: dict[str, str] = {}

    def cell(given: str) -> str:
        status, _, body = given.partition(" ")
        return status + bodies.setdefault(body, _letters(len(bodies))) if body else status

    rows = []
    for line, by_caller in recording.items():
        cells = [cell(by_caller[caller]) for caller in CALLERS]
        cells = cells[:1] if len(set(cells)) == 1 else cells
        rows.append((f"{line} ".ljust(_WIDTH * 8) + "".join(each.ljust(_WIDTH) for each in cells)).rstrip())
    heads = [f"{number:2} {caller}" for number, caller in enumerate(CALLERS, 1)]
    numbers = " " * _WIDTH * 8 + "".join(str(number).ljust(_WIDTH) for number in range(1, len(CALLERS) + 1))
    legend = [f"{letters} {body}" for body, letters in bodies.items()]
    return "\n".join([*heads, "", numbers.rstrip(), *rows, "", *legend, ""])


def from_text(text: str) -> dict[Line, dict[str, str]]:
    heads, rows, legend = text.rstrip("\n").split("\n\n")
    callers = [head.split()[1] for head in heads.splitlines()]
    bodies = dict(each.split(" ", 1) for each in legend.splitlines())
    recording = {}
    for row in rows.splitlines()[1:]:
        method, path, *cells = row.split()
        if len(cells) == 1:
            cells *= len(callers)
        found = [re.fullmatch(r"(\d+(?::\d+)?)([a-z]*)", each) for each in cells]
        given = [f"{each[1]} {bodies[each[2]]}" if each[2] else each[1] for each in found if each]
        recording[Line(method, path)] = dict(zip(callers, given, strict=True))
    return recording


def _letters(number: int) -> str:
    first, second = divmod(number, 26)
    return (chr(ord("a") + first - 1) if first else "") + chr(ord("a") + second)


# ------------------------------------------------------------------------------------------------------------ a real node


class Node:
    """A running broker. Implements `Broker`."""

    def __init__(self, url: str, amqp_port: int) -> None:
        address = urlsplit(url)
        self._admin = (address.username or "guest", address.password or "guest")
        self._amqp = (address.hostname or "127.0.0.1", amqp_port)
        self._client = httpx.Client(
            base_url=f"{address.scheme}://{address.hostname}:{address.port}/api/", timeout=30, trust_env=False
        )
        self._socket: socket.socket | None = None
        overview = self._get("overview")
        self.names = {"node": overview["node"], "cluster": overview["cluster_name"]}

    def close(self) -> None:
        self._disconnect()
        self._client.close()

    def ask(self, method: str, path: str, body: Any, user: User) -> Reply:
        auth = self._admin if user == ADMIN else user
        try:
            reply = self._client.request(method, path, auth=auth, json=body)
        except httpx.RemoteProtocolError:  # it crashed before it could answer
            return Reply(500, b"")
        return Reply(reply.status_code, reply.content)

    def connect(self, opening: bytes) -> None:
        self._disconnect()
        self._socket = socket.create_connection(self._amqp, timeout=10)
        self._socket.sendall(opening)
        name = "{}:{} -> {}:{}".format(*self._socket.getsockname(), *self._socket.getpeername())
        self.names |= {"channel": f"{name} (1)", "connection": name}
        listed = (f"vhosts/{MINE}/connections", f"vhosts/{MINE}/channels", f"consumers/{MINE}")
        self._until(lambda: all(self._is_listed(path, name) for path in listed))

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _is_listed(self, path: str, connection: str) -> bool:
        """Whether its objects, and no others, are in this list."""
        rows = self._get(path)
        return len(rows) == 1 and connection in json.dumps(rows)

    def _get(self, path: str) -> Any:
        return self._client.get(path, auth=self._admin).raise_for_status().json()

    def _until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError("the node does not show the connection as it is")
            time.sleep(0.05)


def main(arguments: list[str]) -> int:
    url, port = arguments
    node = Node(url, int(port))
    remove(node)
    build(node)
    try:
        sys.stdout.write(as_text(dict(answers(node, lines()))))
    finally:
        remove(node)
        node.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
