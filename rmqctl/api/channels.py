"""Channels, one by one: /api/channels/NAME."""

from collections.abc import Sequence

from rmqctl.api import objects
from rmqctl.api.client import Client
from rmqctl.naming import named


def get(client: Client, name: str) -> objects.Row:
    """GET /api/channels/NAME. Raises NotFound."""
    return objects.fetch(client, "channels", name, what=named("channel", name))


def closely(client: Client, name: str, counters: Sequence[str], seconds: int = 600, every: int = 5) -> objects.Row:
    """One channel's `messages_unacknowledged`, and as `history` what the broker remembers: pairs of a second and those counters.

    A broker that remembers nothing has no pairs. Raises NotFound.
    """
    details = [f"message_stats.{counter}_details" for counter in counters]
    query = {"msg_rates_age": str(seconds), "msg_rates_incr": str(every)}
    fields = ("name", "messages_unacknowledged", *details)
    row = objects.fetch(client, "channels", name, fields=fields, query=query, what=named("channel", name))
    stats = row.get("message_stats") or {}
    history: dict[float, dict[str, int]] = {}
    for counter in counters:
        for each in (stats.get(f"{counter}_details") or {}).get("samples") or []:
            moment, value = each.get("timestamp"), each.get("sample")
            if isinstance(moment, int) and isinstance(value, int):
                history.setdefault(moment / 1000, {})[counter] = value
    return {
        "name": name,
        "messages_unacknowledged": row.get("messages_unacknowledged"),
        "history": sorted(history.items()),
    }
