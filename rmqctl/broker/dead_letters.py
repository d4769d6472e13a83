"""What becomes of a message that leaves a queue unwanted (https://www.rabbitmq.com/docs/dlx)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rmqctl.broker import wire
from rmqctl.broker.message import Entry, Message

if TYPE_CHECKING:
    from rmqctl.broker.queue import Queue


def dead_lettered(queue: "Queue", entry: Entry, reason: str, now: float) -> Message:
    """The message as it goes to the dead letter exchange: with its history in x-death, newest first, and no expiration."""
    message = entry.message
    old = message.headers()
    keys = [message.key, *(key for key in _listed(old.get("CC")))]
    deaths = [dict(death) for death in old.get("x-death") or [] if isinstance(death, dict)]
    known = next(
        (death for death in deaths if death.get("queue") == queue.name and death.get("reason") == reason), None
    )
    if known is not None:
        deaths.remove(known)
        known["count"] = int(known.get("count", 0)) + 1
        latest: dict[str, Any] = known
    else:
        latest = {
            "count": 1,
            "reason": reason,
            "queue": queue.name,
            "time": datetime.fromtimestamp(int(now), UTC),
            "exchange": message.exchange,
            "routing-keys": keys,
        }
        if (expiration := message.get("expiration")) is not None:
            latest["original-expiration"] = expiration
    headers: dict[str, bytes | None] = {"x-death": wire.field([latest, *deaths])}
    for name, value in (("reason", reason), ("queue", queue.name), ("exchange", message.exchange)):
        if f"x-first-death-{name}" not in old:
            headers[f"x-first-death-{name}"] = wire.field(value)
        headers[f"x-last-death-{name}"] = wire.field(value)
    key = message.key
    if queue.dead_letter_key is not None:
        key, headers["CC"] = queue.dead_letter_key, None
    return message.changed(queue.dead_letter_exchange or "", key, headers=headers, drop=("expiration",))


def in_circles(queue: "Queue", message: Message) -> bool:
    """It was in the queue before, and no client has rejected it since: it would go round for ever."""
    for before, death in _numbered(message.headers().get("x-death")):
        if death.get("queue") == queue.name:
            return all(each.get("reason") != "rejected" for each in [*before, death])
    return False


def _numbered(deaths: Any) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Each death with those that came after it."""
    seen: list[dict[str, Any]] = []
    for death in deaths if isinstance(deaths, list) else []:
        if isinstance(death, dict):
            yield list(seen), death
            seen.append(death)


def _listed(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
