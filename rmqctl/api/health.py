"""GET /api/health/checks/...: 200 when all is well, 503 with what is not."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rmqctl.api import failures
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.errors import BrokenAnswer


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

    def objects(self, key: str) -> list[dict[str, Any]]:
        """Those culprits that are described by an object."""
        return [each for each in self.culprits(key) if isinstance(each, dict)]


def check(client: Client, *segments: str, what: str = "the health check") -> Health:
    """GET /api/health/checks/SEGMENTS. Raises NotFound when the release has no such check."""
    return _health(client, ("health", "checks", *segments), what)


def node(client: Client, name: str | None) -> Health:
    """GET /api/healthchecks/node[/NAME]: rabbitmqctl's old node_health_check, which does nothing on 4.x."""
    segments = ("healthchecks", "node", *([name] if name is not None else ()))
    return _health(client, segments, f"node {name!r}" if name else "the node")


def _health(client: Client, segments: Sequence[str], what: str) -> Health:
    """Raises BrokenAnswer for what says neither yes nor no: a check that is not understood has not passed."""
    answer = client.request("GET", path(*segments), what=what, accept=(503,))
    body = answer.body if isinstance(answer.body, dict) else {}
    if body.get("status") not in ("ok", "failed"):
        raise BrokenAnswer(f"{what}: the answer is that of no health check ({client.endpoint.url})")
    return Health(answer.status == 200 and body["status"] == "ok", body)


def alarms(client: Client) -> list[dict[str, str]]:
    """The alarms of the cluster, each with `node` and `resource` ("memory", "disk")."""
    return _named(client, check(client, "alarms", what="the alarms"), "alarms", "there are alarms")


def expiring_certificates(client: Client, within: str, unit: str) -> list[dict[str, Any]]:
    """The listeners with certificates that expire before then, dates under keys by the file they are from."""
    found = check(client, "certificate-expiration", within, unit, what="the certificates")
    return _named(client, found, "expired", "certificates expire")


def _named(client: Client, found: Health, key: str, why: str) -> list[dict[str, Any]]:
    """The culprits. Raises BrokenAnswer for a check that failed and names none."""
    named = found.objects(key)
    if not found.passed and not named:
        raise BrokenAnswer(f"{client.endpoint.url}: {why}, but the broker does not say which")
    return named


def deprecated_features_in_use(client: Client) -> list[str]:
    """Names from GET /api/deprecated-features/used (3.13)."""
    features: Sequence[Any] = client.get(path("deprecated-features", "used"), what="the deprecated features") or []
    return [str(feature["name"]) for feature in features]
