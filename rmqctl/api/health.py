"""GET /api/health/checks/...: 200 when all is well, 503 with what is not."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rmqctl.api import failures
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.errors import NotFound


class Health(NamedTuple):
    """The answer to a check. `body` is the decoded JSON: `reason` and the culprits under a key of the check's own."""

    passed: bool
    body: dict[str, Any]

    @property
    def reason(self) -> str:
        return failures.reason_of(self.body) if "reason" in self.body else ""

    def culprits(self, key: str) -> list[Any]:
        found = self.body.get(key)
        return found if isinstance(found, list) else []


def check(client: Client, *segments: str, what: str = "the health check") -> Health:
    """GET /api/health/checks/SEGMENTS. Raises NotFound when the release has no such check."""
    answer = client.request("GET", path("health", "checks", *segments), what=what, accept=(503,))
    return Health(answer.status != 503, answer.body if isinstance(answer.body, dict) else {})


def node(client: Client, name: str | None) -> Health:
    """GET /api/healthchecks/node[/NAME]: rabbitmqctl's old node_health_check, which does nothing on 4.x."""
    segments = ("healthchecks", "node", *([name] if name is not None else ()))
    answer = client.request("GET", path(*segments), what=f"node {name!r}" if name else "the node", accept=(503,))
    body = answer.body if isinstance(answer.body, dict) else {}
    return Health(answer.status == 200 and body.get("status", "ok") == "ok", body)


def alarms(client: Client) -> list[dict[str, str]]:
    """The alarms of the cluster, each with `node` and `resource` ("memory", "disk")."""
    return [alarm for alarm in check(client, "alarms").culprits("alarms") if isinstance(alarm, dict)]


def deprecated_features_in_use(client: Client) -> list[str]:
    """Names from GET /api/deprecated-features/used (3.13)."""
    features: Sequence[Any] = client.get(path("deprecated-features", "used"), what="the deprecated features") or []
    return [str(feature["name"]) for feature in features]


def policies(client: Client, noun: str) -> list[dict[str, Any]]:
    """GET /api/policies or /api/operator-policies, of all virtual hosts that the user sees."""
    try:
        return list(client.get(path(noun), what=f"the {noun.replace('-', ' ')}") or [])
    except NotFound:
        return []
