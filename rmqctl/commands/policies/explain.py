"""`explain KIND NAME`: which settings are in effect, where each comes from, and which lost."""

import json
from typing import Annotated, Any

import typer

from rmqctl.api import exchanges, lists, queues
from rmqctl.api.client import Client
from rmqctl.api.policies import NOUNS, Noun, one
from rmqctl.resources import effective
from rmqctl.resources.effective import Effect, Loser, Policies
from rmqctl.result import Rows
from rmqctl.session import Session

_COLUMNS = ("key", "value", "from", "lost")


def explain_queue(
    session: Session, name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the queue.")]
) -> Rows:
    """Explain the settings of a queue: its own arguments, its policy and its operator policy together.

    One row a key: the value in effect, where it comes from, and every other value with the reason why it lost.
    """
    client, vhost = session.client, session.vhost
    queue = queues.get(client, vhost, name, statistics=False)
    target = str(queue.get("type"))
    told = "effective_policy_definition" in queue
    arguments = {key.removeprefix("x-"): value for key, value in _table(queue).items() if key != "x-queue-type"}
    policies, operators = (
        _policies(client, noun, vhost, name, target, queue.get(field) or None if told else ...)
        for noun, field in zip(NOUNS, ("policy", "operator_policy"), strict=True)
    )
    return _rows(session, effective.effects(target, arguments, policies, operators))


def explain_exchange(
    session: Session, name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the exchange.")]
) -> Rows:
    """Explain the settings of an exchange: its own arguments and its policy together.

    One row a key: the value in effect, where it comes from, and every other value with the reason why it lost.
    """
    client, vhost = session.client, session.vhost
    exchange = exchanges.get(client, vhost, name or exchanges.DEFAULT, statistics=False)
    policies = _policies(client, "policies", vhost, name, "exchange", exchange.get("policy") or None)
    operators = Policies("operator policy", (), None)
    return _rows(session, effective.effects("exchange", _table(exchange), policies, operators))


def _table(item: dict[str, Any]) -> dict[str, Any]:
    return item.get("arguments") or {}


def _policies(client: Client, noun: Noun, vhost: str, name: str, target: str, chosen: Any) -> Policies:
    """Those that match. `chosen` is the one that the broker says is in effect; `...` when it does not tell (3.x)."""
    matching = effective.ranked(lists.of_vhost(client, noun, vhost), target, name)
    return Policies(one(noun), matching, effective.winner(matching, target) if chosen is ... else chosen)


def _rows(session: Session, effects: list[Effect]) -> Rows:
    native = session.format.native
    return Rows(_COLUMNS, [_native(effect) if native else _row(effect) for effect in effects], sentences=True)


def _native(effect: Effect) -> tuple[Any, ...]:
    holds = effect.holds
    lost = [{"value": lost.value, "from": lost.source, "why": why} for lost, why in effect.losers]
    return (effect.key, holds and holds.value, holds and holds.source, lost)


def _row(effect: Effect) -> tuple[str, ...]:
    holds = effect.holds
    lost = "; ".join(map(_lost, effect.losers))
    return (effect.key, _text(holds.value) if holds else "", holds.source if holds else "", lost)


def _lost(loser: Loser) -> str:
    return f"{loser.setting.source} = {_text(loser.setting.value)} ({loser.why})"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
