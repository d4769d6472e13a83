"""What callers of the HTTP API do and see, and what the broker does to connections of its own accord."""

from collections.abc import Callable, Iterable
from typing import Any

from pamqp import commands

from tests.simulation.declaring import Refused, refuse
from tests.simulation.hearing import Contents
from tests.simulation.methods import Methods
from tests.simulation.model import Channel, Connection, Copy, Message, Policy, Queue, Violation, as_delivered
from tests.simulation.rules import Sight
from tests.simulation.steps import KEYS, PERMISSIONS, POLICIES, PROFILES, QUEUES, SOURCES, arguments_of

Judge = Callable[[Any], None]
Asked = tuple[str, str, str, Any, Judge]
_ACK_MODES = ("ack_requeue_true", "ack_requeue_false", "reject_requeue_true", "reject_requeue_false")


class Administration(Methods):
    """The whole model. `addresses` are those that direct replies were asked to go to."""

    def __init__(self, sight: Sight, tolerated: Iterable[str] = ()) -> None:
        super().__init__(sight, tolerated)
        self.addresses: list[str] = []
        self.waiting: list[tuple[Any, tuple[int, Any], Callable[[], None]]] = []
        """Requests that are answered once the disk has what they are about, with the answer and what has to be true then."""
        self._stats: dict[str, tuple[Queue | None, dict[str, int]]] = {}

    def restart(self, contents: dict[str, list[Any]], clean: bool, after: Contents) -> None:
        super().restart(contents, clean, after)
        self._stats.clear()
        self.addresses.clear()
        self.waiting.clear()

    # ----------------------------------------------------------------------------------------------------- connections

    def connected(self, connection: Connection) -> None:
        """A client has said all that it takes to open a connection."""
        self.expect(connection, 0, commands.Connection.Start)
        self.expect(connection, 0, commands.Connection.Tune)
        if self._is_full(connection.user):
            self.fail(connection, 0, Refused(530))
            return
        self.expect(connection, 0, commands.Connection.OpenOk)
        connection.open = True

    def _is_full(self, user: str) -> bool:
        """Whether the user may not connect once more."""
        users = sum(self.is_open(each, user) for each in self.connections.values())
        everyone = sum(self.is_open(each) for each in self.connections.values())
        user_limit = self.user_limits.get(user, {}).get("max-connections", -1)
        return 0 <= self.limits.get("max-connections", -1) <= everyone or 0 <= user_limit <= users

    def room_again(self, connection: Connection) -> None:
        for channel in list(connection.channels.values()):
            self._freed(channel)
            for consumer in list(channel.consumers.values()):
                self.served(consumer.queue)

    def forced(self, connection: Connection) -> None:
        """The broker closes a connection for a reason of its own."""
        self.acting = connection
        if not (connection.over or connection.closing):
            self.fail(connection, 0, Refused(320))

    def learn(self, address: str, body: bytes) -> None:
        """A message has told the address of a channel that waits for direct replies."""
        if address not in self.addresses:
            self.addresses.append(address)
        channel = self.asked.pop(body, None)
        if channel is not None and channel.reply_tag is not None:
            channel.reply_to = address

    # --------------------------------------------------------------------------------------------------------- requests

    def ask(self, n: tuple[int, ...], bodies: int) -> Asked | None:
        """A request, and what judges its answer."""
        name = QUEUES[n[1] % len(QUEUES)]
        path = f"/api/queues/%2F/{name}"
        kind = n[0] % 24
        if self.sight.trouble and kind in (11, 12, 13, *range(15, 22)):
            return None
        if kind < 6:
            return self._ask_publish(n, bodies)
        if kind < 11:
            mode, count = _ACK_MODES[n[2] % 4], 1 + n[3] % 3
            body = {"ackmode": mode, "count": count, "encoding": "auto"}
            return "POST", f"{path}/get", "guest", body, lambda asked: self._got(asked, name, mode, count)
        if kind < 13:
            durable, _, auto_delete, arguments = PROFILES[n[2] % len(PROFILES)]
            body = {"durable": durable, "auto_delete": auto_delete, "arguments": arguments_of(arguments, n[1])}
            return "PUT", path, "guest", body, lambda asked: self._declared(asked, name, body)
        if kind == 13:
            return "DELETE", path, "guest", None, lambda asked: self._deleted(asked, name)
        if kind == 14:
            return "DELETE", f"{path}/contents", "guest", None, lambda asked: self._purged(asked, name)
        if kind < 18:
            return self._ask_policy(n)
        if kind < 20:
            permission = PERMISSIONS[n[1] % len(PERMISSIONS)]
            body = dict(zip(("configure", "write", "read"), permission, strict=True))
            return "PUT", "/api/permissions/%2F/alice", "guest", body, lambda asked: self._permitted(asked, permission)
        if kind < 22:
            return self._ask_limit(n)
        return self._ask_close(n)

    def _answer(self, asked: Any, *statuses: int) -> Any:
        if asked.answer is None or asked.answer.status not in statuses:
            raise Violation(f"HTTP should answer {statuses}, not {asked.answer}")
        return asked.answer.body

    def _judged(self, asked: Any, do: Callable[[], Any], *statuses: int) -> bool:
        """Whether it was to be done; if not, it must have been refused."""
        try:
            do()
        except Refused as refused:
            self._refused(asked, refused)
            return False
        self.deliveries()
        self._answer(asked, *statuses)
        return True

    def _refused(self, asked: Any, refused: Refused) -> None:
        self._answer(asked, {403: 401, 404: 404}.get(refused.code, 400))

    def _ask_publish(self, n: tuple[int, ...], bodies: int) -> Asked:
        exchange, key = SOURCES[n[2] % len(SOURCES)], KEYS[n[3] % len(KEYS)]
        if n[2] % 3:
            exchange, key = "", QUEUES[n[3] % len(QUEUES)]
        properties = {"delivery_mode": 2} if n[4] % 4 else {}
        payload = f"h{bodies}" + "." * (n[5] % 4)
        body = {"routing_key": key, "properties": properties, "payload": payload, "payload_encoding": "string"}
        message = Message(exchange, key, properties, payload.encode())
        path = f"/api/exchanges/%2F/{exchange or 'amq.default'}/publish"
        return "POST", path, "guest", body, lambda asked: self._published(asked, message)

    def _published(self, asked: Any, message: Message) -> None:
        exchange = self.exchanges.get(message.exchange)
        full = self._is_full("guest")
        if exchange is None or full or exchange.internal:
            self._answer(asked, 404 if exchange is None else 401 if full else 400)
            return
        queues = self.route(exchange, message, [])
        copies = self.hand_over(queues, message)
        if None in copies:
            self._answer(asked, 400)
            return
        kept = [each for each in copies if each is not None]
        answer = 200, {"routed": bool(queues)}
        self.waiting.append((asked, answer, lambda: self.check_saved(kept, "the answer to a publish over HTTP")))
        self.answered([asked])

    def answered(self, _: list[Any]) -> None:
        """Answers that were held back until the disk had what they are about."""
        for asked, answer, check in self.waiting:
            if asked.answer is not None:
                if (asked.answer.status, asked.answer.body) != answer:
                    raise Violation(f"HTTP should answer {answer}, not {asked.answer}")
                check()
        self.waiting = [each for each in self.waiting if each[0].answer is None]

    def all_safe(self) -> None:
        super().all_safe()
        if self.waiting:
            raise Violation("the disk has everything, and a request over HTTP is not answered")

    def _got(self, asked: Any, name: str, mode: str, count: int) -> None:
        try:
            queue = self.queues.get(name) or refuse(404)
            if self._is_full("guest"):
                self._answer(asked, 401)
                return
            self.queue_to_get(name, None)
        except Refused as refused:
            self._answer(asked, {404: 404}.get(refused.code, 400))
            return
        rows = self._answer(asked, 200)
        taken: list[Copy] = []
        for row in rows:
            copy = self.next_to_get(queue)
            if copy is None or copy.message.body.decode() != row["payload"]:
                raise Violation(f"HTTP got {row['payload']}: the next of {name} is {copy}")
            self._same_row(copy, row, len(queue.ready))
            taken.append(copy)
        if len(rows) < count and self.next_to_get(queue) is not None:
            raise Violation(f"HTTP got {len(rows)} messages of {count}, and {name} has more")
        if mode == "reject_requeue_false":
            self.reject(queue, taken, failed=True)
        elif mode == "ack_requeue_false":
            for copy in taken:
                queue.held.pop(copy)
                self.gone(copy)
        else:
            self.requeue(queue, taken, failed=mode == "reject_requeue_true")
        self.deliveries()

    def _same_row(self, copy: Copy, row: dict[str, Any], left: int) -> None:
        wanted = {"exchange": copy.message.exchange, "routing_key": copy.message.key, "message_count": left}
        if copy.redelivered is not None:
            wanted["redelivered"] = copy.redelivered
        got = {key: row[key] for key in wanted}
        copy.redelivered = row["redelivered"]
        properties = as_delivered(copy)
        if "reply_to" in properties:
            properties["reply_to"] = (row["properties"] or {}).get("reply_to")
        if wanted != got or properties != (row["properties"] or {}):
            raise Violation(f"HTTP got {row}: it should be {wanted} {properties}")

    def _declared(self, asked: Any, name: str, body: dict[str, Any]) -> None:
        known = name in self.queues
        flags = body["durable"], False, body["auto_delete"]
        self._judged(
            asked, lambda: self.declare_queue("guest", None, name, *flags, body["arguments"]), 204 if known else 201
        )

    def _deleted(self, asked: Any, name: str) -> None:
        if name not in self.queues:
            self._answer(asked, 404)
        else:
            self._judged(asked, lambda: self.delete_queue("guest", None, name, False, False), 204)

    def _purged(self, asked: Any, name: str) -> None:
        try:
            copies = self.purge_queue("guest", None, name)
        except Refused as refused:
            self._refused(asked, refused)
            return
        self.deliveries()
        self.waiting.append(
            (asked, (204, None), lambda: self.check_forgotten(copies, "the answer to a purge over HTTP"))
        )
        self.answered([asked])

    def _ask_policy(self, n: tuple[int, ...]) -> Asked:
        name = f"p{n[1] % 2}"
        pattern, definition = POLICIES[n[2] % len(POLICIES)]
        policy = Policy(pattern, definition, n[1] % 2)
        path = f"/api/policies/%2F/{name}"
        if n[3] % 3 == 0:
            return "DELETE", path, "guest", None, lambda asked: self._set_policy(asked, name, None)
        body = {"pattern": pattern, "definition": definition, "priority": policy.priority, "apply-to": "queues"}
        return "PUT", path, "guest", body, lambda asked: self._set_policy(asked, name, policy)

    def _set_policy(self, asked: Any, name: str, policy: Policy | None) -> None:
        if policy is None and name not in self.policies:
            self._answer(asked, 404)
            return
        if policy is None:
            del self.policies[name]
        else:
            self.policies[name] = policy
        for queue in list(self.queues.values()):
            self.configure(queue)
        self.deliveries()
        self._answer(asked, 201, 204)

    def _permitted(self, asked: Any, permission: tuple[str, str, str]) -> None:
        self._answer(asked, 201, 204)
        self.permissions["alice"] = permission

    def _ask_limit(self, n: tuple[int, ...]) -> Asked:
        of_user = n[1] % 2 == 0
        name = (
            ("max-channels" if n[2] % 2 else "max-connections")
            if of_user
            else ("max-queues" if n[2] % 3 else "max-connections")
        )
        path = f"/api/user-limits/alice/{name}" if of_user else f"/api/vhost-limits/%2F/{name}"
        value = None if n[3] % 2 else 1 + n[4] % 5
        limits = self.user_limits.setdefault("alice", {}) if of_user else self.limits

        def judge(asked: Any) -> None:
            self._answer(asked, 200, 201, 204)
            if value is None:
                limits.pop(name, None)
            else:
                limits[name] = value

        return ("DELETE" if value is None else "PUT"), path, "guest", value and {"value": value}, judge

    def _ask_close(self, n: tuple[int, ...]) -> Asked | None:
        there = [each for each in self.connections.values() if self.is_open(each)]
        if not there:
            return None
        connection = there[n[1] % len(there)]
        name = f"127.0.0.1:{50000 + connection.number}%20-%3E%20127.0.0.1:5672"

        def judge(asked: Any) -> None:
            self.forced(connection)
            self._answer(asked, 204)

        return "DELETE", f"/api/connections/{name}", "guest", None, judge

    # ----------------------------------------------------------------------------------------------------- comparisons

    def compare(self, world: Any) -> None:
        """What the HTTP API tells is what is there."""

        def ask(path: str) -> Any:
            return self._answer(world.http("GET", f"/api/{path}"), 200)

        rows = {row["name"]: row for row in ask("queues")}
        for name, queue in self.queues.items():
            self._compare_queue(queue, rows.get(name) or {})
        _same("queues", sorted(rows), sorted(self.queues))
        _same("exchanges", sorted(row["name"] for row in ask("exchanges")), sorted(self.exchanges))
        channels = [each for connection in self.connections.values() for each in connection.channels.values()]
        here = [each for each in self.connections.values() if self.is_open(each)]
        found = {row["name"]: row["channels"] for row in ask("connections")}
        _same("connections", found, {_name(each): len(each.channels) for each in here})
        self._compare_channels(ask("channels"), [each for each in channels if self.is_open(each.connection)])
        self._compare_overview(ask("overview"), len(here))
        self._compare_definitions(ask("definitions"))

    def _compare_queue(self, queue: Queue, row: dict[str, Any]) -> None:
        ready, held = queue.size(queue.ready), queue.size(queue.held)
        wanted = {
            "messages": len(queue.ready) + len(queue.held),
            "messages_ready": len(queue.ready),
            "messages_unacknowledged": len(queue.held),
            "message_bytes": ready + held,
            "message_bytes_ready": ready,
            "message_bytes_unacknowledged": held,
            "consumers": len(queue.consumers),
            "durable": queue.durable,
            "auto_delete": queue.auto_delete,
            "exclusive": queue.owner is not None,
            "type": queue.kind,
        }
        if queue.kind == "classic":
            kept = [each for each in (*queue.ready, *queue.held) if queue.durable and each.message.persistent]
            wanted["messages_persistent"] = len(kept)
        if queue.active is not None:
            wanted["single_active_consumer_tag"] = queue.active.tag
        _same(queue.name, {key: row.get(key) for key in wanted}, wanted)
        self._grows(f"queue {queue.name}", queue, row.get("message_stats", {}))

    def _grows(self, what: str, of: Queue | None, stats: dict[str, Any]) -> None:
        """Counters of the same object never go backwards."""
        counts = {key: value for key, value in stats.items() if isinstance(value, int)}
        known, before = self._stats.get(what, (None, {}))
        if known is of:
            fallen = {key: (value, counts.get(key)) for key, value in before.items() if counts.get(key, 0) < value}
            if fallen:
                raise Violation(f"counters of {what} went backwards: {fallen}")
        self._stats[what] = of, counts

    def _compare_channels(self, rows: list[dict[str, Any]], channels: list[Channel]) -> None:
        found = {row["name"]: row for row in rows}
        _same("channels", sorted(found), sorted(f"{_name(each.connection)} ({each.number})" for each in channels))
        for channel in channels:
            row = found[f"{_name(channel.connection)} ({channel.number})"]
            wanted = {
                "messages_unacknowledged": len(channel.unacked),
                "consumer_count": len(channel.consumers),
                "confirm": channel.mode == "confirm",
                "transactional": channel.mode == "tx",
                "messages_unconfirmed": len(channel.unconfirmed),
            }
            if not channel.closing:
                _same(f"channel {row['name']}", {key: row[key] for key in wanted}, wanted)

    def _compare_overview(self, row: dict[str, Any], connections: int) -> None:
        ready = sum(len(each.ready) for each in self.queues.values())
        held = sum(len(each.held) for each in self.queues.values())
        totals = {key: value for key, value in row["queue_totals"].items() if isinstance(value, int)}
        wanted = {"messages": ready + held, "messages_ready": ready, "messages_unacknowledged": held}
        _same("queue_totals", totals, wanted)
        objects = {
            "queues": len(self.queues),
            "exchanges": len(self.exchanges),
            "connections": connections,
            "consumers": sum(len(each.consumers) for each in self.queues.values()),
        }
        _same("object_totals", {key: row["object_totals"][key] for key in objects}, objects)
        self._grows("overview", None, row["message_stats"])

    def _compare_definitions(self, document: dict[str, Any]) -> None:
        queues = {
            each.name: (each.durable, each.auto_delete, {"x-queue-type": each.kind, **each.arguments})
            for each in self.queues.values()
            if each.owner is None
        }
        found = {row["name"]: (row["durable"], row["auto_delete"], row["arguments"]) for row in document["queues"]}
        _same("definitions of queues", found, queues)
        exchanges = {
            each.name: (each.kind, each.durable, each.auto_delete, each.arguments)
            for each in self.exchanges.values()
            if each.name and not each.name.startswith("amq.") and not each.internal
        }
        known = {
            row["name"]: (row["type"], row["durable"], row["auto_delete"], row["arguments"])
            for row in document["exchanges"]
        }
        _same("definitions of exchanges", known, exchanges)
        names = ("source", "destination_type", "destination", "routing_key")
        bindings = sorted(
            tuple(each)
            for each in self.bindings
            if each.kind == "exchange" or self.queues[each.destination].owner is None
        )
        _same(
            "definitions of bindings",
            sorted(tuple(row[key] for key in names) for row in document["bindings"]),
            bindings,
        )
        policies = {
            row["name"]: Policy(row["pattern"], row["definition"], row["priority"]) for row in document["policies"]
        }
        _same("definitions of policies", policies, self.policies)
        rights = {row["user"]: (row["configure"], row["write"], row["read"]) for row in document["permissions"]}
        _same("definitions of permissions", rights, self.permissions)


def _name(connection: Connection) -> str:
    return f"127.0.0.1:{50000 + connection.number} -> 127.0.0.1:5672"


def _same(what: str, found: Any, wanted: Any) -> None:
    if found != wanted:
        raise Violation(f"{what}: should be {wanted}, are {found}")
