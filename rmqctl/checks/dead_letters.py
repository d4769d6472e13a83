"""Queues that dead letters go to: found by the arguments and policies of the queues that they come from."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from rmqctl.checks.options import Limits
from rmqctl.checks.queues import growth
from rmqctl.checks.report import Figure, Finding, Report, Status, counted, report
from rmqctl.checks.snapshot import Row, Snapshot, number
from rmqctl.matching import Topics

_ADVICE = "look at them with peek, and send them back with redrive once the cause is mended"

At = tuple[Any, Any]
"""Virtual host and name."""


class _Route(NamedTuple):
    """Where a queue sends its dead letters. `key` None: with the routing key that each of them had."""

    vhost: Any
    exchange: str
    key: str | None


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that queues of dead letters hold no messages and do not grow, and that dead letters arrive somewhere.

    Such queues are those that x-dead-letter-exchange and -routing-key of other queues lead to, as arguments or by policy,
    directly or through the bindings of the exchange. Two samples are taken, --for apart.
    """
    queues = {(row.get("vhost"), row.get("name")): row for row in snapshot.rows("queues")}
    routing = _Routing(snapshot, queues)
    sources: dict[At, list[str]] = {}
    found: list[Finding] = []
    for at, row in queues.items():
        route = _route(row, routing.policies)
        if route is None:
            continue
        targets = routing.reached(route)
        for target in targets:
            sources.setdefault(target, []).append(str(at[1]))
        if not targets and routing.loses(route) and limits.concerns(at[1]):
            found.append(_lost(row, route))
    dead = [queues[at] for at in sources if limits.concerns(at[1])]
    found += [*_holding(dead, sources, limits), *_growing(dead, snapshot, limits)]
    kept = [each for each in found if limits.keep(each)]
    messages = sum(number(row, "messages") or 0 for row in dead)
    figures = [
        Figure("queues", len(dead), "Queues of dead letters."),
        Figure("messages", messages, "Messages in them.", limits.pair()),
    ]
    return report(kept, f"{counted(len(dead), 'queue')} of dead letters, {counted(int(messages), 'message')}", figures)


def _holding(dead: Iterable[Row], sources: Mapping[At, list[str]], limits: Limits) -> Iterator[Finding]:
    for row in dead:
        messages = number(row, "messages")
        if status := limits.level(messages):
            of = sources[row.get("vhost"), row.get("name")]
            more = f" and {len(of) - 1} more" if len(of) > 1 else ""
            text = f"{counted(int(messages or 0), 'message')}, dead letters of {of[0]!r}{more}"
            yield Finding(
                "dead letters", status.name, "queue", row.get("name"), row.get("vhost"), messages, text, _ADVICE
            )


def _growing(dead: list[Row], snapshot: Snapshot, limits: Limits) -> Iterator[Finding]:
    for row, by in growth(dead, snapshot, limits):
        if status := limits.level(by, "growth"):
            text = f"{by:g} more in {snapshot.seconds:g} s"
            yield Finding("growing", status.name, "queue", row.get("name"), row.get("vhost"), by, text, _ADVICE)


def _lost(row: Row, route: _Route) -> Finding:
    key = "" if route.key is None else f" with key {route.key!r}"
    text = f"exchange {route.exchange!r}{key} leads to no queue: its dead letters are lost"
    return Finding(
        "lost", Status.WARNING.name, "queue", row.get("name"), row.get("vhost"), None, text, "declare and bind a queue"
    )


def _route(row: Row, policies: Mapping[At, Row]) -> _Route | None:
    """By its arguments, else by its policy, which releases before 4 only name."""
    arguments = row.get("arguments") or {}
    policy = row.get("effective_policy_definition")
    if policy is None:
        policy = policies.get((row.get("vhost"), row.get("policy")), {}).get("definition")
    policy = policy or {}
    exchange = arguments.get("x-dead-letter-exchange", policy.get("dead-letter-exchange"))
    key = arguments.get("x-dead-letter-routing-key", policy.get("dead-letter-routing-key"))
    return None if exchange is None else _Route(row.get("vhost"), str(exchange), key)


class _Routing:
    """The exchanges and bindings that dead letters go through."""

    def __init__(self, snapshot: Snapshot, queues: Mapping[At, Row]) -> None:
        self.policies = {(row.get("vhost"), row.get("name")): row for row in snapshot.rows("policies")}
        self._queues = queues
        self._exchanges = {(row.get("vhost"), row.get("name")): row for row in snapshot.rows("exchanges")}
        self._bindings: dict[At, list[Row]] = {}
        for row in snapshot.rows("bindings"):
            self._bindings.setdefault((row.get("vhost"), row.get("source")), []).append(row)

    def loses(self, route: _Route) -> bool:
        """Whether what goes to no queue goes nowhere: it may go anywhere without a key, or by an alternate exchange."""
        if route.exchange == "":
            return route.key is not None
        exchange = self._exchanges.get((route.vhost, route.exchange), {})
        return not ((exchange.get("arguments") or {}).get("alternate-exchange") or exchange.get("policy"))

    def reached(self, route: _Route) -> list[At]:
        """The queues that dead letters can get to; of the default exchange without a key it cannot be told."""
        if route.exchange == "":
            at = (route.vhost, route.key)
            return [at] if at in self._queues else []
        return list(dict.fromkeys(self._through(route.vhost, route.exchange, route.key, set())))

    def _through(self, vhost: Any, exchange: str, key: str | None, seen: set[str]) -> Iterator[At]:
        if exchange in seen:
            return
        seen.add(exchange)
        kind = self._exchanges.get((vhost, exchange), {}).get("type")
        for row in self._bindings.get((vhost, exchange), ()):
            if not _matches(kind, str(row.get("routing_key", "")), key):
                continue
            target = row.get("destination")
            if row.get("destination_type") == "exchange":
                yield from self._through(vhost, str(target), key, seen)
            elif (vhost, target) in self._queues:
                yield vhost, target


def _matches(kind: object, pattern: str, key: str | None) -> bool:
    """Whether a message with that key can go through a binding; anything can when the key or the exchange's way is unknown."""
    if key is None or kind not in ("direct", "topic"):
        return True
    if kind == "direct":
        return pattern == key
    topics: Topics[bool] = Topics()
    topics.add(pattern, True)
    return bool(topics.match(key))
