"""The bindings from an exchange to a queue or an exchange: /api/bindings/VHOST/e/SOURCE/q|e/DESTINATION."""

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.record import Record


class Pair(Record):
    """What is bound to what. `kind` of the destination: queue or exchange."""

    vhost: str
    source: str
    kind: str
    destination: str

    @property
    def segments(self) -> tuple[str, ...]:
        return ("bindings", self.vhost, "e", self.source, self.kind[0], self.destination)


def between(client: Client, pair: Pair, *, what: str) -> list[lists.Row]:
    """GET of all from the one to the other. Raises NotFound when either does not exist."""
    return lists.fetch(client, *pair.segments, what=what)


def delete(client: Client, pair: Pair, properties_key: str, *, what: str) -> None:
    """DELETE of the one with the key that the broker gave it. Raises NotFound."""
    client.request("DELETE", path(*pair.segments, properties_key), what=what)
