"""Commands that change the cluster as a whole."""

from typing import Annotated

import typer

from rmqctl.api import cluster as api
from rmqctl.api import lists, policies
from rmqctl.api.answering import needed_node
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected
from rmqctl.errors import NeedsNode, Unavailable, missing_is_unavailable
from rmqctl.resources.policies import mirrors
from rmqctl.result import Nothing, Rows
from rmqctl.session import Session

_EVERY_NAME = ".*"
_TYPES = ("all", "classic", "quorum", "stream")


def set_cluster_name(
    session: Session, name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")]
) -> Nothing:
    """Name the cluster: PUT /api/cluster-name. Clients see it, and federation uses it."""
    api.set_name(session.client, name)
    session.hint(f"the cluster's name is {name!r}")
    return Nothing()


def rebalance(
    session: Session,
    queue_type: Annotated[str, typer.Argument(metavar="TYPE", help="all: the HTTP API takes no other type.")],
    vhost_pattern: Annotated[
        str, typer.Option("--vhost-pattern", metavar="REGEX", help="As rabbitmq-queues; only .* can be served.")
    ] = _EVERY_NAME,
    queue_pattern: Annotated[
        str, typer.Option("--queue-pattern", metavar="REGEX", help="As rabbitmq-queues; only .* can be served.")
    ] = _EVERY_NAME,
) -> Nothing:
    """Spread the leaders of queues over the nodes: POST /api/rebalance/queues.

    The broker does not tell what it moved: `list_queues name leader` does.
    """
    if queue_type not in _TYPES:
        raise Unavailable(f"rebalance: type {queue_type!r} is none of {', '.join(_TYPES)}")
    if queue_type != "all" or (vhost_pattern, queue_pattern) != (_EVERY_NAME, _EVERY_NAME):
        raise NeedsNode(
            "rebalance: the HTTP API rebalances queues of all types in all virtual hosts at once: rmqctl rebalance all;"
            " rabbitmq-queues on the node takes a type and patterns"
        )
    api.rebalance_queues(session.client)
    session.hint("leaders of queues are being rebalanced")
    return Nothing()


def reset_stats_db(
    session: Session,
    everywhere: Annotated[bool, typer.Option("--all", help="On all nodes.")] = False,
) -> Nothing:
    """Empty the statistics of the node that answers: DELETE /api/reset/NODE. They fill again within seconds."""
    api.reset_statistics(session.client, None if everywhere else needed_node(session.client))
    session.hint("the statistics were reset")
    return Nothing()


def reset_node_auth_attempt_metrics(session: Session) -> Nothing:
    """Set the counts of authentication attempts to zero on the node that answers: DELETE /api/auth/attempts/NODE."""
    node = needed_node(session.client)
    api.reset_auth_attempts(session.client, node)
    session.hint(f"counts of authentication attempts on node {node!r} were reset")
    return Nothing()


def remove_classic_queue_mirroring_from_policies(session: Session, yes: Annotated[bool, Yes] = False) -> Rows:
    """Take the keys of mirrored queues out of all policies and operator policies.

    A policy that has no other key is deleted.
    """
    client = session.client
    found = [
        (noun, policy)
        for noun in policies.NOUNS
        for policy in lists.fetch(client, noun, what=noun)
        if any(mirrors(key) for key in policy["definition"])
    ]
    confirm_if_protected(session, f"change {len(found)} policies", yes=yes)
    rows = []
    for noun, policy in found:
        vhost, name = policy["vhost"], policy["name"]
        left = {key: value for key, value in policy["definition"].items() if not mirrors(key)}
        if left:
            policies.put(client, noun, vhost, name, {**policy, "definition": left})
        else:
            with missing_is_unavailable():
                policies.delete(client, noun, vhost, name)
        rows.append((vhost, noun, name, "changed" if left else "deleted"))
    return Rows(("vhost", "kind", "name", "result"), rows)
