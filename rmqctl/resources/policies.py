"""Columns of policies and operator policies: GET /api/policies, /api/operator-policies."""

from rmqctl.resources.column import PERMITTED, Column, Resource, as_json_text

POLICIES = Resource(
    plural="policies",
    sight=PERMITTED,
    default=("vhost", "name", "pattern", "apply-to", "definition", "priority"),
    streamed=False,
    columns=(
        *map(Column, ("vhost", "name", "pattern", "apply-to")),
        as_json_text("definition"),
        Column("priority"),
    ),
    api_fields={},
)
OPERATOR_POLICIES = POLICIES._replace(plural="operator policies")

COVERS = {
    "all": ("classic", "quorum", "stream", "exchange"),
    "queues": ("classic", "quorum", "stream"),
    "classic_queues": ("classic",),
    "quorum_queues": ("quorum",),
    "streams": ("stream",),
    "exchanges": ("exchange",),
}
"""What the words of a policy's `apply-to` stand for: types of queue, and exchanges."""


DROPPING = frozenset(
    ("delivery-limit", "expires", "max-age", "max-length", "max-length-bytes", "message-ttl", "overflow")
)  # fmt: skip
"""Settings by which queues drop messages, or give them to a dead letter exchange if there is one."""


def covers(apply_to: str, target: str) -> bool:
    """Whether a policy is about that: a type of queue, of plugins too, or "exchange"."""
    if target != "exchange" and target not in COVERS["queues"]:
        return apply_to in ("all", "queues")
    return target in COVERS.get(apply_to, ())


def mirrors(key: str) -> bool:
    """Whether a policy with that key mirrors classic queues, which RabbitMQ 4.0 no longer does."""
    return key.startswith("ha-")
