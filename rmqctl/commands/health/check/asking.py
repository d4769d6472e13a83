"""What checks see of a broker: each list is asked for once, with all that any of the checks wants of it, side by side."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from types import EllipsisType
from typing import Any

from rmqctl.api import answering, channels, connections, definitions, health, lists, metrics, nodes, objects, queues
from rmqctl.api.answering import needs_release, release_of
from rmqctl.api.client import Client
from rmqctl.checks import acks, ghosts, leaks, sessions, without_statistics
from rmqctl.checks.options import Limits
from rmqctl.checks.snapshot import Snapshot
from rmqctl.checks.table import Check
from rmqctl.commands.definitions.definitions import read_file
from rmqctl.errors import AccessRefused, DataError, NotFound, RmqctlError, Unavailable, UsageError
from rmqctl.resources.column import Need
from rmqctl.resources.nodes import expiring
from rmqctl.resources.queues import COUNTS, QUEUES
from rmqctl.session import Session
from rmqctl.topology import documents

_MORE_LOOKS, _RENEWED = 5, 2.0
"""So often, and after so many seconds, is looked once more when the statistics are still the same."""
_SHARE = 0.25
"""So much of the time may be spent on looking again and again."""
_LONGEST = 1e9
"""Seconds that can be slept, more than anybody will."""
AT_ONCE = 4
"""Requests that are under way at a time."""
FEW = 20
"""Up to so many objects are asked for one by one."""
_GOLDEN = 0.618034
HORIZON = ("10", "years")
"""Certificates that expire later than this are of no interest to anybody."""


class Scope:
    """What is looked at: `vhost` (None: all). `given`: the virtual host that the command line names. `file`: of definitions,
    which `read` reads."""

    def __init__(
        self,
        client: Client,
        vhost: str | None,
        given: str | None = None,
        file: str | None = None,
        read: Callable[[str], documents.Document] = read_file,
    ) -> None:
        self.client = client
        self.vhost = vhost
        self.given = given
        self.file = file
        self._read = read
        self._document: documents.Document | None = None
        self._lock = Lock()
        self._blind: RmqctlError | EllipsisType | None = ...

    def document(self) -> documents.Document:
        """The definitions of the file, which is read once."""
        with self._lock:
            if self._document is None:
                self._document = {} if self.file is None else self._read(self.file)
            return self._document

    def refuse_blind(self) -> None:
        """Raises RmqctlError when lists of clients would be short, or empty, whatever there is. Asks once."""
        with self._lock:
            if self._blind is ...:
                self._blind = _why_blind(self.client)
        if isinstance(self._blind, RmqctlError):
            raise self._blind


class NoStatistics(Unavailable):
    """The management plugin is told to collect none."""


def _why_blind(client: Client) -> RmqctlError | None:
    try:
        if not nodes.sees_all(client):
            return AccessRefused(f"user {client.user!r} sees only its own channels: the tag monitoring is needed")
        if answering.overview(client, "disable_stats").get("disable_stats"):
            return NoStatistics(f"{client.endpoint.url} collects no statistics")
    except RmqctlError as error:
        return error
    return None


Fields = frozenset[str]


def _queues(scope: Scope, fields: Fields) -> list[dict[str, Any]]:
    need = max((QUEUES.column(field).need for field in fields - _IN_DEFINITIONS), default=Need.DEFINITION)
    totals = any(count in fields for count in COUNTS)
    found = queues.fetch(scope.client, scope.vhost, fields, totals=totals, statistics=need is Need.STATISTICS)
    return _of_scope(found.rows, scope)


def _of_scope(rows: Iterable[queues.Row], scope: Scope) -> list[queues.Row]:
    """A list of one virtual host need not say which."""
    return [{**row, "vhost": row.get("vhost", scope.vhost)} for row in rows]


_IN_DEFINITIONS = frozenset(
    ("policy", "effective_policy_definition", "leader", "members", "online", "slave_nodes", "synchronised_slave_nodes")
)
"""Told without statistics too, where the release has them. What it leaves out, the checks do without."""


def _of_vhost(noun: str) -> Callable[[Scope, Fields], Any]:
    return lambda scope, fields: lists.of_vhost(scope.client, noun, scope.vhost, fields=fields)


def _of_clients(ask: Callable[..., Any], noun: str) -> Callable[[Scope, Fields], Any]:
    def rows(scope: Scope, fields: Fields) -> Any:
        scope.refuse_blind()
        return ask(scope.client, noun, scope.vhost, fields=fields)

    return rows


def _metrics(scope: Scope, _: Fields) -> list[Any] | None:
    """What rabbitmq_prometheus tells where no statistics are collected; None where they are."""
    try:
        scope.refuse_blind()
    except NoStatistics as error:
        try:
            return _metrics_of_the_node(scope)
        except RmqctlError as reason:
            raise NoStatistics(f"{error}; {reason}") from reason
    return None


def _metrics_of_the_node(scope: Scope) -> list[Any]:
    """Raises Unavailable for a cluster: a node knows its own clients only."""
    running = [row for row in nodes.nodes(scope.client, ("running",)) if row.get("running")]
    if len(running) > 1:
        raise Unavailable(f"metrics tell of the clients of one node only, of {len(running)}")
    return list(metrics.detailed(scope.client, without_statistics.FAMILIES, scope.vhost))


def _quorum_status(scope: Scope, _: Fields) -> list[dict[str, Any]]:
    """The members of each quorum queue, asked for queue by queue."""
    rows = queues.fetch(scope.client, scope.vhost, {"type"}, totals=False, statistics=False).rows
    named = [(str(row.get("vhost", scope.vhost)), str(row["name"])) for row in rows if row.get("type") == "quorum"]
    try:
        return [
            {"vhost": at[0], "name": at[1], "members": nodes.quorum_status(scope.client, at[0], at[1])} for at in named
        ]
    except DataError:
        if release_of(scope.client) >= (4,):
            raise
        raise needs_release(scope.client, "members' places in the log", "4.0") from None


def _deprecated_features(scope: Scope, fields: Fields) -> Any:
    try:
        return lists.fetch(scope.client, "deprecated-features", "used", fields=fields)
    except NotFound:
        raise needs_release(scope.client, "deprecated features", "3.13") from None


def _of_plugin(noun: str, plugin: str) -> Callable[[Scope, Fields], Any]:
    def rows(scope: Scope, _: Fields) -> Any:
        vhost = [] if scope.vhost is None else [scope.vhost]
        return lists.of_plugin(scope.client, noun, *vhost, plugin=plugin)

    return rows


def _definitions(scope: Scope, _: Fields) -> Any:
    return _of_given(definitions.beside(scope.client, definitions.fetch(scope.client), scope.document()), scope.given)


def _wanted_definitions(scope: Scope, _: Fields) -> Any:
    if scope.file is None:
        raise Unavailable("no file of definitions is given")
    found = scope.document()
    if scope.given is None and documents.is_of_one_vhost(found):
        raise UsageError(f"{scope.file}: definitions of a single virtual host: -p VHOST says which")
    return _of_given(found, scope.given)


def _of_given(document: documents.Document, vhost: str | None) -> documents.Document:
    """With a virtual host its part, of which each row says that it is in it."""
    if vhost is None:
        return document
    part = documents.of_vhost(document, vhost)
    named = {key: [{"vhost": vhost, **row} for row in part[key]] for key in documents.OF_A_VHOST if key in part}
    return part | named


def _certificates(scope: Scope, _: Fields) -> Any:
    return list(map(expiring, health.expiring_certificates(scope.client, *HORIZON)))


def _shared_queues(scope: Scope, fields: Fields, consumers: Any, channels: Any) -> list[dict[str, Any]]:
    """Statistics of the few queues of which nothing else tells whether their consumers acknowledge."""
    places = acks.shared(consumers, channels)
    if len(places) > FEW:
        return _of_scope(queues.fetch(scope.client, scope.vhost, fields, totals=True, statistics=True).rows, scope)
    found = [(at, queues.find(scope.client, *at, *sorted(fields))) for at in sorted(places)]
    return [{**row, "vhost": vhost, "name": name} for (vhost, name), row in found if row]


def _sessions(scope: Scope, fields: Fields, consumers: Any) -> list[Mapping[str, Any]]:
    """Those of AMQP 1.0, which only releases from 4.1 on tell: a row without links for a connection that has them untold."""
    if not ghosts.without_channel(consumers):
        return []
    found: list[Mapping[str, Any]] = []
    for row in lists.of_clients(scope.client, "connections", scope.vhost, fields=fields):
        if row.get("protocol") == sessions.PROTOCOL:
            found += sessions.of_connection(row, connections.sessions(scope.client, str(row["name"])))
    return found


SOURCES: Mapping[str, Callable[..., Any]] = {
    "queues": _queues,
    "shared_queues": _shared_queues,
    "sessions": _sessions,
    "exchanges": _of_vhost("exchanges"),
    "bindings": _of_vhost("bindings"),
    "policies": _of_vhost("policies"),
    "operator_policies": _of_vhost("operator-policies"),
    "consumers": _of_clients(lists.of_vhost, "consumers"),
    "channels": _of_clients(lists.of_clients, "channels"),
    "connections": _of_clients(lists.of_clients, "connections"),
    "metrics": _metrics,
    "quorum_status": _quorum_status,
    "nodes": lambda scope, fields: nodes.nodes(scope.client, fields),
    "overview": lambda scope, fields: answering.overview(scope.client, *sorted(fields)),
    "alarms": lambda scope, _: health.alarms(scope.client),
    "certificates": _certificates,
    "feature_flags": lambda scope, fields: lists.fetch(scope.client, "feature-flags", fields=fields),
    "deprecated_features": _deprecated_features,
    "shovels": _of_plugin("shovels", "rabbitmq_shovel_management"),
    "federation_links": _of_plugin("federation-links", "rabbitmq_federation_management"),
    "definitions": _definitions,
    "wanted_definitions": _wanted_definitions,
    "held": lambda scope, fields: queues.counts(scope.client, scope.vhost, fields),
}
"""What checks may ask for, by noun: rows of the HTTP API, cut to the fields where the broker does that.

Called with the scope and the fields, and with the answers that `_FROM` names.
"""

_FROM: Mapping[str, tuple[str, ...]] = {"shared_queues": ("consumers", "channels"), "sessions": ("consumers",)}
"""What is worked out from other answers, by noun."""


class _Asked:
    """Answers by noun, each asked for when it is first wanted; an error is kept and raised again."""

    def __init__(self, scope: Scope, fields: Mapping[str, set[str]]) -> None:
        self._scope = scope
        self._fields = fields
        self._locks = {noun: Lock() for noun in SOURCES}
        self._answers: dict[str, Any] = {}

    def rows(self, noun: str) -> Any:
        with self._locks[noun]:
            if noun not in self._answers:
                try:
                    self._answers[noun] = self._ask(noun, frozenset(self._fields.get(noun, ())))
                except RmqctlError as error:
                    self._answers[noun] = error
        answer = self._answers[noun]
        if isinstance(answer, RmqctlError):
            raise answer
        return answer

    def _ask(self, noun: str, fields: Fields) -> Any:
        return SOURCES[noun](self._scope, fields, *map(self.rows, _FROM.get(noun, ())))

    def named(self, noun: str, names: Collection[str]) -> Any:
        """The objects of those names, one by one when they are few: a long list of clients is dear."""
        if noun in self._answers or len(names) > FEW:
            return self.rows(noun)
        fields = sorted(self._fields[noun])
        found = (objects.find(self._scope.client, noun, name, fields=fields) for name in sorted(names))
        return [row for row in found if row]

    def ask_for(self, nouns: Iterable[str]) -> int:
        """Asks for several side by side. Returns how many were answered."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return sum(pool.map(self._answered, sorted(nouns)))

    def _answered(self, noun: str) -> bool:
        try:
            self.rows(noun)
        except RmqctlError:
            return False
        return True


def _deliveries(client: Client, places: Collection[tuple[str, str]]) -> list[Mapping[str, Any]]:
    """Those of a few queues. RabbitMQ does not list them, LavinMQ and the embedded broker do."""
    rows: list[Mapping[str, Any]] = []
    for vhost, name in sorted(places)[:FEW]:
        try:
            found = queues.deliveries(client, vhost, name)
        except (NotFound, DataError):
            break
        rows += [{**row, "vhost": vhost, "queue": name} for row in found]
    return rows


def _closely(client: Client, places: Collection[tuple[str, str]]) -> list[Mapping[str, Any]]:
    """A few queues with what only their statistics tell; without those that have gone."""
    rows: list[Mapping[str, Any]] = []
    for vhost, name in sorted(places)[:FEW]:
        with suppress(NotFound):
            rows.append(queues.closely(client, vhost, name))
    return rows


def _histories(
    client: Client, during: "_During", names: Sequence[str], counters: Sequence[str]
) -> list[Mapping[str, Any]]:
    """A few channels with what the broker remembers of them; without those that have gone."""
    rows: list[Mapping[str, Any]] = []
    for name in names[:FEW]:
        with suppress(NotFound):
            row = channels.closely(client, name, counters)
            rows.append({**row, "asked": during.seconds()})
    return rows


def snapshot(session: Session, scope: Scope, chosen: Iterable[tuple[Check, Limits]], seconds: float) -> Snapshot:
    """Looks at the broker once, or at both ends of a window when a check wants that."""
    checks = list(chosen)
    at_once = _union(asks for check, limits in checks for asks in check.wants(limits))
    fields = _union((at_once, *(check.later for check, _ in checks)))
    first, last = _Asked(scope, fields), _Asked(scope, fields)
    twice = {noun for check, limits in checks for noun in check.samples(limits)}
    if not twice or not first.ask_for(twice):
        seconds = 0
    during = _During(scope, fields)
    if seconds:
        session.hint(f"Looking at {scope.client.endpoint.url} for {seconds:g} s ...")
        often = {noun for check, _ in checks for noun in check.often if _is_worth_it(noun, first)}
        during.look(often, min(seconds, _LONGEST))
        scope.client.begin()  # the time between the looks is no time that an answer takes
    last.ask_for(at_once)
    for _ in range(_MORE_LOOKS):
        if not _are_old(first, last, during):
            break
        # A broker that is very busy is late with its statistics.
        time.sleep(_RENEWED)
        seconds += _RENEWED
        scope.client.begin()
        last = _Asked(scope, fields)
        last.ask_for(at_once)
    closely, deliveries = partial(_closely, scope.client), partial(_deliveries, scope.client)
    histories = partial(_histories, scope.client, during)
    now = datetime.now(UTC)
    return Snapshot(last.rows, first.rows, last.named, seconds, now, during.rows, closely, deliveries, histories)


def _are_old(first: _Asked, last: _Asked, during: "_During") -> bool:
    looks = during.rows("held")
    if not looks or first.rows("metrics"):
        return False
    return acks.are_old(first.rows("channels"), last.rows("channels"), looks)


def _is_worth_it(noun: str, first: _Asked) -> bool:
    """Whether what is asked for again and again may tell anything, by what the first look has shown."""
    try:
        return noun != "held" or bool(first.rows("metrics")) or acks.is_worth_watching(first.rows("channels"))
    except RmqctlError:
        return False


class _During:
    """Lists that are asked for again and again within a window."""

    def __init__(self, scope: Scope, fields: Mapping[str, Collection[str]]) -> None:
        self._scope = scope
        self._fields = fields
        self._seen: dict[str, list[tuple[float, Any]]] = {}
        self._began = time.monotonic()

    def seconds(self) -> float:
        """How long ago the window began."""
        return time.monotonic() - self._began

    def rows(self, noun: str) -> list[tuple[float, Any]]:
        return self._seen.get(noun, [])

    def look(self, nouns: Collection[str], seconds: float) -> None:
        """Takes that long, whatever there is to ask for."""
        began = self._began = time.monotonic()
        pauses = iter(_moments(seconds) if nouns else ())
        due = next(pauses, seconds)
        while due < seconds:
            time.sleep(max(0.0, began + due - time.monotonic()))
            self._scope.client.begin()
            asked = time.monotonic()
            try:
                for noun in nouns:
                    rows = SOURCES[noun](self._scope, frozenset(self._fields[noun]))
                    self._seen.setdefault(noun, []).append((self.seconds(), rows))
            except RmqctlError:
                break
            after = time.monotonic()
            soonest = after - began + (after - asked) / _SHARE
            due = next((moment for moment in pauses if moment >= soonest), seconds)
        time.sleep(max(0.0, began + seconds - time.monotonic()))


def _moments(seconds: float) -> Iterator[float]:
    """Spread over the window, and at no beat that a client might have as well."""
    for number in range(leaks.SAMPLES):
        yield seconds * (number + number * _GOLDEN % 1 * 0.8) / leaks.SAMPLES


def _union(many: Iterable[Mapping[str, Iterable[str]]]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for asks in many:
        for noun, fields in asks.items():
            wanted.setdefault(noun, set()).update(fields)
    return wanted
