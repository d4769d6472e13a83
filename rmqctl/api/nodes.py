"""What the HTTP API tells about nodes and the cluster: GET /api/nodes, /api/config/effective."""

from collections.abc import Iterable
from typing import Any

from rmqctl.api import answering, failures, objects, users
from rmqctl.api.client import Client, tags_of
from rmqctl.api.paths import path
from rmqctl.errors import AccessRefused, BrokenAnswer, NotFound, RmqctlError, Unavailable
from rmqctl.naming import named as named_

Fields = dict[str, Any]


def nodes(client: Client, fields: Iterable[str] = ()) -> list[Fields]:
    """GET /api/nodes: the members of the cluster, running or not. A stopped one has few fields. Needs the tag monitoring."""
    query = {"columns": ",".join(sorted({"name", *fields}))} if fields else None
    rows = client.get(path("nodes"), query, what="the nodes")
    return [row for row in rows or [] if isinstance(row, dict)]


def named(client: Client, text: str) -> str | None:
    """The member of the cluster that is called so, by its whole name, without the domain, or by either part.

    None when the user may not see the members. Raises Unavailable, which names them, when it is none of them.
    """
    try:
        names = [str(row["name"]) for row in nodes(client, ("name",))]
    except AccessRefused:
        return None
    fitting = [name for name in names if text in _spellings(name) or name in _spellings(text)]
    if text not in fitting and len(fitting) > 1 and (here := answering.node(client)) in fitting:
        return here
    if not fitting:
        raise Unavailable(f"node {text!r} is not in the cluster of {', '.join(names)} ({client.endpoint.url})")
    return text if text in fitting else fitting[0]


def _spellings(name: str) -> tuple[str, ...]:
    program, _, host = name.partition("@")
    short = host.partition(".")[0]
    return (name, program, *((host, short, f"{program}@{short}") if host else ()))


def get(client: Client, name: str, *fields: str) -> Fields:
    """GET /api/nodes/NAME. Raises NotFound."""
    return objects.fetch(client, "nodes", name, fields=fields, what=named_("node", name))


def node(client: Client, name: str, *, memory: bool = False) -> Fields:
    """GET /api/nodes/NAME; with `memory` the memory breakdown in bytes too. Raises Unavailable for no such node."""
    query = {"memory": "true"} if memory else None
    return _of_node(client, name, path("nodes", name), query)


def memory(client: Client, name: str) -> Fields:
    """GET /api/nodes/NAME/memory: bytes by category, `strategy` and the `total` by each strategy; {} when unknown."""
    found = _of_node(client, name, path("nodes", name, "memory")).get("memory")
    return found if isinstance(found, dict) else {}


def _of_node(client: Client, name: str, where: str, query: dict[str, str] | None = None) -> Fields:
    answer = client.request("GET", where, query, what=named_("node", name), accept=(404, 500))
    if answer.status == 200:
        return answer.body if isinstance(answer.body, dict) else {}
    # 3.10 fails with 500 where later releases say 404.
    known = [str(each["name"]) for each in nodes(client, ("name",))]
    if name not in known:
        raise Unavailable(f"node {name!r} is not in the cluster of {', '.join(known)} ({client.endpoint.url})")
    raise RmqctlError(f"node {name!r}: the broker failed with HTTP {answer.status} ({client.endpoint.url})")


def count(client: Client, noun: str) -> int | None:
    """How many objects GET /api/NOUN lists; None when the user may not see them."""
    try:
        return len(client.get(path(noun), {"columns": "name"}, what=f"the {noun}") or [])
    except AccessRefused:
        return None


def connections_of(client: Client, name: str) -> int:
    """How many connections of GET /api/connections are on that node."""
    rows = client.get(path("connections"), {"columns": "node"}, what="the connections") or []
    return sum(isinstance(row, dict) and row.get("node") == name for row in rows)


def effective_configuration(client: Client) -> str:
    """GET /api/config/effective (3.12): the environment of all applications as Erlang terms, final newline dropped.

    Raises NotFound before 3.12, AccessRefused without the tag administrator, BrokenAnswer for what is no list of terms.
    """
    text = client.get_text(path("config", "effective"), what="the configuration").removesuffix("\n")
    if not (text.startswith("[") and text.endswith(("]", "]."))):
        where = f"{client.endpoint.url}{path('config', 'effective')}"
        raise BrokenAnswer(f"{where}: the configuration breaks off, or is not the broker's")
    return text


def quorum_status(client: Client, vhost: str, queue: str) -> list[Fields]:
    """GET /api/queues/quorum/VHOST/QUEUE/status (4.0): one object a member, keys as rabbitmq-queues prints them.

    Raises NotFound for no such queue (and before 4.0), Unavailable for a queue of another type.
    """
    answer = client.request(
        "GET",
        path("queues", "quorum", vhost, queue, "status"),
        what=named_("quorum queue", queue, vhost),
        accept=(503,),
    )
    if answer.status != 503:
        return [row for row in answer.body or [] if isinstance(row, dict)]
    reason, what = failures.reason_of(answer.body), named_("queue", queue, vhost)
    if "not_found" in reason:
        raise NotFound(f"queue {queue!r} does not exist in virtual host {vhost!r} ({client.endpoint.url})")
    if reason.endswith("_queue_not_supported") or "not_supported" in reason:
        kind = reason.partition("_queue_")[0].replace("_", " ")
        raise Unavailable(f"{what} is a {kind} queue: quorum queues have this status")
    raise Unavailable(f"{what}: {reason} ({client.endpoint.url})")


def sees_all(client: Client) -> bool:
    """Whether the client's user sees the connections and channels of all users: GET /api/whoami."""
    return not tags_of(users.whoami(client)).isdisjoint(("monitoring", "administrator"))


def password_is_right(client: Client) -> bool:
    """Whether the broker knows the client's user by that password: GET /api/whoami.

    The broker looks at tags and at the user's address only after it has taken the password.
    """
    answer = client.request("GET", path("whoami"), what=f"user {client.user!r}", accept=(401,))
    if answer.status == 200:
        return True
    reason = failures.reason_of(answer.body).lower()
    return "not management user" in reason or "localhost" in reason
