"""check_* and is_* commands: exit code 0 when all is well, 69 with one line of reason when it is not."""

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal

import typer

from rmqctl.api import health, policies
from rmqctl.api import nodes as api
from rmqctl.api.answering import release_of, this_node, too_old
from rmqctl.api.client import Client
from rmqctl.api.health import Health
from rmqctl.commands.kit.arguments import Limit, Match, Sort, Where
from rmqctl.commands.kit.listing import Found, Selection, Wanted, run_listing
from rmqctl.commands.nodes.nodes import listeners_of
from rmqctl.commands.nodes.status import NodeArgument
from rmqctl.errors import AccessRefused, CheckFailed, DataError, NotFound
from rmqctl.output.values import compact
from rmqctl.resources import nodes as words
from rmqctl.resources.column import Object
from rmqctl.resources.column import release as version
from rmqctl.resources.policies import OPERATOR_POLICIES, POLICIES, mirrors
from rmqctl.result import Nothing, Result, Rows, Value
from rmqctl.session import Session

OK = {"result": "ok"}
CONNECT_SECONDS = 5.0


def for_programs(session: Session) -> bool:
    """Whether the format is one for programs, which want an object even when there is nothing to say."""
    return session.format.for_programs


def passed(session: Session, text: str, data: object = None, *, silent: bool | None = None) -> Result:
    """A check that passed: rabbitmq-diagnostics says so, but for --silent (or where `silent` holds)."""
    if silent is None:
        silent = session.settings.output.silent
    return Nothing() if silent and not for_programs(session) else told(text, data)


def failed(session: Session, text: str, data: Mapping[str, object]) -> Nothing:
    """A check that failed, as rabbitmq-diagnostics tells it to programs: an object in place of the text, on stderr too.

    Raises CheckFailed with the text when the format is one for people.
    """
    if not for_programs(session):
        raise CheckFailed(text)
    return Nothing((compact({**data, "result": "error"}),), CheckFailed.exit_code)


def told(text: str, data: object = None) -> Value:
    return Value(OK if data is None else data, text)


def _since(client: Client, command: str, release: str, ask: Callable[[], Any]) -> Any:
    """What `ask` answers; Unavailable when that is not there, because the broker is older than `release`."""
    try:
        return ask()
    except DataError:  # not found; 3.x takes some of these paths for others and calls them bad requests
        if release_of(client) >= version(release):
            raise
        raise too_old(client, command, release) from None


# Alarms


def check_alarms(session: Session) -> Result:
    """Check that no resource alarm is in effect anywhere in the cluster."""
    client = session.client
    found = health.check(client, "alarms", what="the alarms")
    node = this_node(client)
    if not found.passed:
        return _alarmed(session, node, found)
    return passed(session, f"Node {node} reported no alarms, local or clusterwide")


def check_local_alarms(session: Session) -> Result:
    """Check that no resource alarm is in effect on the node that answers."""
    client = session.client
    found = health.check(client, "local-alarms", what="the alarms")
    node = this_node(client)
    if not found.passed:
        return _alarmed(session, node, found)
    return passed(session, f"Node {node} reported no local alarms")


def _alarmed(session: Session, node: str, found: Health) -> Result:
    """Alarms of the node that answers are local, those of the others global."""
    lines: dict[bool, list[str]] = {True: [], False: []}
    for alarm in found.culprits("alarms"):
        lines[alarm.get("node") == node].append(words.alarm_line(alarm))
    text = (
        "; ".join(map(words.alarm_line, found.culprits("alarms"))) or f"{session.client.endpoint.url}: {found.reason}"
    )
    data = {"global": lines[False], "local": lines[True], "message": f"Node {node} reported alarms"}
    return failed(session, text, data)


# Running


def check_running(session: Session, node: NodeArgument = None) -> Value:
    """Check that RabbitMQ runs on a node."""
    name, running = _running(session.client, node)
    if not running:
        raise CheckFailed(_not_running(name))
    text = f"RabbitMQ on node {name} is fully booted and running"
    return told(text, {"message": text})


def is_running(session: Session, node: NodeArgument = None) -> Value:
    """Tell whether RabbitMQ runs on a node; exit code 0 either way."""
    name, running = _running(session.client, node)
    text = f"RabbitMQ on node {name} is fully booted and running" if running else _not_running(name)
    return told(text, {"message": text, "result": running})


def is_booting(session: Session, node: NodeArgument = None) -> Value:
    """Tell whether RabbitMQ is booting on a node; exit code 0 either way.

    A node takes no HTTP requests while it boots, so it is the others of its cluster that tell it is not running yet.
    """
    name, _ = _running(session.client, node)
    text = f"RabbitMQ on node {name} is fully booted (check with is_running), stopped or has not started booting yet"
    return told(text, {"message": text, "result": False})


def _running(client: Client, node: str | None) -> tuple[str, bool]:
    if node is None:
        return this_node(client), True
    return node, bool(api.node(client, node).get("running"))


def _not_running(name: str) -> str:
    return f"RabbitMQ on node {name} is not running or has not fully booted yet (check with is_booting)"


def node_health_check(session: Session, node: NodeArgument = None) -> Result:
    """Deprecated, and without effect on RabbitMQ 4: use the check_ commands."""
    client = session.client
    found = health.node(client, node)
    if not found.passed:
        raise CheckFailed(f"Health check failed: {found.reason}")
    data = {"node": node or this_node(client), "result": "ok"}
    # 4.x looks at nothing any more, so there is nothing to claim.
    return passed(session, "Health check passed", data, silent=release_of(client) >= (4,))


# Listeners


def check_port_listener(session: Session, port: Annotated[str, typer.Argument(metavar="PORT")]) -> Result:
    """Check that the node that answers listens on a port."""
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise DataError(f"{port!r} is no port: it must be a number from 1 to 65535")
    client = session.client
    found = health.check(client, "port-listener", port, what=f"port {port}")
    node = this_node(client)
    if not found.passed:
        ports = found.culprits("ports")
        text = (
            f"No listener for port {port} is active on node {node}. Found listeners that use the following ports: "
            f"{words.in_order(ports)}"
        )
        return failed(session, text, _missing(session, port, "ports", ports))
    data = {"node": node, "port": port, "result": "ok"}
    return told(f"A listener for port {port} is running on node {node}.", data)


def check_protocol_listener(
    session: Session,
    protocol: Annotated[str, typer.Argument(metavar="PROTOCOL", help="amqp, amqp/ssl, http, mqtt ...")],
) -> Result:
    """Check that the node that answers listens for a protocol."""
    client = session.client
    found = health.check(client, "protocol-listener", protocol, what=f"protocol {protocol!r}")
    node = this_node(client)
    if not found.passed:
        protocols = found.culprits("protocols")
        text = (
            f"No listener for protocol {protocol} is active on node {node}. Found listeners for the following protocols: "
            f"{', '.join(sorted(map(str, protocols)))}"
        )
        return failed(session, text, _missing(session, protocol, "protocols", protocols))
    data = {"node": node, "protocol": protocol, "result": "ok"}
    return told(f"A listener for protocol {protocol} is running on node {node}.", data)


def _missing(session: Session, what: str, key: str, found: list[Any]) -> dict[str, object]:
    """The listeners are left out for users without the tag monitoring, and not asked for where only text is printed."""
    data: dict[str, object] = {"missing": what, key: found}
    if for_programs(session):
        with suppress(AccessRefused):
            data["listeners"] = listeners_of(session.client, None)[1]
    return dict(sorted(data.items()))


def check_port_connectivity(
    session: Session,
    address: Annotated[
        str | None, typer.Option("--address", metavar="HOST", help="Connect to this host [that of --url].", show_default=False)
    ] = None,
) -> Value:  # fmt: skip
    """Check that every port of the node that answers takes TCP connections from here.

    rabbitmq-diagnostics connects from the node's own machine; this tells what a client here can reach.
    """
    client = session.client
    node, found = listeners_of(client, None)
    host = address or client.endpoint.host
    seconds = min(CONNECT_SECONDS, client.timeout or CONNECT_SECONDS)
    failed = [
        f"{each['protocol']} {each['port']} ({why})" for each in found if (why := _refusal(host, each["port"], seconds))
    ]
    if failed:
        raise CheckFailed(f"Connection from here to {host} failed for listeners of node {node}: {', '.join(failed)}")
    ports = words.in_order(each["port"] for each in found)
    how = f" at address {address}" if address else ""
    data = {"node": node, "result": "ok", "listeners": found}
    return told(f"Successfully connected to ports {ports} on node {node}{how}.", data)


def _refusal(host: str, port: int, seconds: float) -> str | None:
    """Why no TCP connection could be made, None when one was."""
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None


# Virtual hosts and certificates


def check_virtual_hosts(session: Session) -> Result:
    """Check that all virtual hosts run on the node that answers."""
    client = session.client
    found = health.check(client, "virtual-hosts", what="the virtual hosts")
    node = this_node(client)
    if not found.passed:
        down = ", ".join(map(str, found.culprits("virtual-hosts"))) or found.reason
        raise CheckFailed(f"Some virtual hosts on node {node} are down: {down}")
    return passed(session, f"Node {node} reported all vhosts as running")


def check_certificate_expiration(
    session: Session,
    within: Annotated[int, typer.Option("--within", min=0, metavar="N", help="How far to look ahead.")] = 4,
    unit: Annotated[
        Literal["days", "weeks", "months", "years"],
        typer.Option("--unit", metavar="UNIT", help="days, weeks, months or years.", case_sensitive=False),
    ] = "weeks",
) -> Result:
    """Check that no TLS certificate of the node that answers expires soon."""
    client = session.client
    found = health.check(client, "certificate-expiration", str(within), unit, what="the certificates")
    period = f"{within} {unit.removesuffix('s') if within == 1 else unit}"
    if not found.passed:
        text = f"{found.reason or 'Certificates expire'} within {period}: {_certificates(found)}"
        return failed(session, text, {"expired": [words.expiring(each) for each in found.culprits("expired")]})
    return told(f"No certificates are expiring within {period}.")


def _certificates(found: Health) -> str:
    return "; ".join(_certificate(each) for each in found.culprits("expired") if isinstance(each, dict))


def _certificate(listener: dict[str, Any]) -> str:
    """A listener of the answer: protocol, port and the dates, which stand under keys by the file they are from."""
    dates = [
        f"{key.removesuffix('_expires_on')} expires {day}"
        for key, value in listener.items()
        if key.endswith("expires_on")
        for day in (value if isinstance(value, list) else [value])
    ]
    where = f"{listener.get('protocol', listener.get('name', 'listener'))} on port {listener.get('port')}"
    return f"{where}{': ' if dates else ''}{', '.join(dates)}"


# Quorum queues and mirrors


def check_if_node_is_quorum_critical(session: Session) -> Result:
    """Check that no quorum queue or stream loses its quorum when the node that answers stops."""
    client = session.client
    found = health.check(client, "node-is-quorum-critical", what="the quorum queues")
    things = "queues/streams" if release_of(client) >= (4,) else "quorum queues"
    return _critical(session, found, f"no {things} with minimum quorum", "lose their quorum")


def check_if_node_is_mirror_sync_critical(session: Session) -> Result:
    """Check that no mirrored queue loses its last synchronised mirror when the node that answers stops (RabbitMQ 3)."""
    client = session.client
    try:
        found = health.check(client, "node-is-mirror-sync-critical", what="the mirrored queues")
    except NotFound:
        if release_of(client) < (4,):
            raise
        return told("ok")  # there are no mirrored queues any more
    nothing = "no classic mirrored queues without online synchronised mirrors"
    return _critical(session, found, nothing, "have no other synchronised mirror online")


def _critical(session: Session, found: Health, nothing: str, loss: str) -> Result:
    node = this_node(session.client)
    if not found.passed:
        raise CheckFailed(f"Node {node}: {_queues(found)} {loss} if it stops")
    if "single node" in found.reason:
        text = "seems to be the only one in a single node cluster, the check does not apply"
        return passed(session, f"Node {node} {text}", {"message": f"Target node {text}", "result": "ok"})
    if "maintenance" in found.reason:
        text = "seems to be in maintenance mode, the check does not apply"
        return passed(session, f"Node {node} {text}", {"message": f"Target node {text}", "result": "ok"})
    return passed(session, f"Node {node} reported {nothing}")


def _queues(found: Health) -> str:
    queues = found.culprits("queues")
    return ", ".join(map(_queue, queues)) or found.reason


def _queue(queue: object) -> str:
    if not isinstance(queue, dict):
        return str(queue)
    return str(queue.get("readable_name") or f"queue '{queue.get('name')}' in vhost '{queue.get('vhost', '?')}'")


def check_for_quorum_queues_without_an_elected_leader(
    session: Session,
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="Regular expression for names.")],
    across_all_vhosts: Annotated[
        bool, typer.Option("--across-all-vhosts", help="In every virtual host rather than in that of -p.")
    ] = False,
) -> Result:
    """Check that quorum queues have a leader that answers (RabbitMQ 4.1)."""
    client = session.client
    scope = ("all-vhosts",) if across_all_vhosts else ("vhost", session.vhost)
    # One dot or two would be steps in the path.
    written = f"({pattern})" if pattern in (".", "..") else pattern
    segments = ("quorum-queues-without-elected-leaders", *scope, "pattern", written)
    found = _since(
        client, "check_for_quorum_queues_without_an_elected_leader", "4.1", lambda: health.check(client, *segments)
    )
    node = this_node(client)
    if not found.passed:
        raise CheckFailed(f"Node {node} reported quorum queues without a leader that answers: {_queues(found)}")
    text = f"Node {node} reported all quorum queue as having responsive leader replicas"
    return passed(session, text, {"message": text, "result": "ok"}, silent=session.quiet)


# The cluster and its metadata


def check_if_metadata_store_is_initialized(session: Session) -> Result:
    """Check that the metadata store of the node that answers is ready (RabbitMQ 4.1)."""
    return _metadata_store(session, "check_if_metadata_store_is_initialized")


def check_if_metadata_store_is_initialized_with_data(session: Session) -> Result:
    """Check that the metadata store of the node that answers is ready and holds data (RabbitMQ 4.1)."""
    return _metadata_store(session, "check_if_metadata_store_is_initialized_with_data", "with-data")


def _metadata_store(session: Session, command: str, *more: str) -> Result:
    client = session.client
    segments = ("metadata-store", "initialized", *more)
    found = _since(client, command, "4.1", lambda: health.check(client, *segments))
    node = this_node(client)
    if not found.passed:
        raise CheckFailed(f"Metadata store on node {node} reports to not yet have finished initialization")
    return passed(session, f"Metadata store on node {node} has completed its initialization")


def has_reached_target_cluster_size(session: Session) -> Result:
    """Check that as many nodes are online as the cluster is configured to have (RabbitMQ 4.3)."""
    client = session.client
    ask = lambda: health.check(client, "reached-target-cluster-size")  # noqa: E731
    found = _since(client, "has_reached_target_cluster_size", "4.3", ask)
    node = this_node(client)
    if not found.passed:
        online, target = (found.body.get(key, "?") for key in ("online", "target"))
        raise CheckFailed(
            f"Target cluster size on node {node} has not been reached: {online} of {target} nodes are online"
        )
    return passed(session, f"Target cluster size has been reached on node {node}")


def check_if_any_deprecated_features_are_used(session: Session) -> Result:
    """Check that no deprecated feature is in use (RabbitMQ 3.13)."""
    client = session.client
    ask = lambda: health.deprecated_features_in_use(client)  # noqa: E731
    names = _since(client, "check_if_any_deprecated_features_are_used", "3.13", ask)
    if names:
        data = {"deprecated_features": names, "message": "Cluster reported deprecated features in use"}
        return failed(session, f"deprecated features in use: {', '.join(names)}", data)
    return passed(session, "Cluster reported no deprecated features in use")


# Classic queue mirroring


def check_if_cluster_has_classic_queue_mirroring_policy(session: Session) -> Result:
    """Check that no policy or operator policy mirrors classic queues."""
    client = session.client
    found = [
        policies.named(noun, policy["name"], policy["vhost"])
        for noun in policies.NOUNS
        for policy in policies.everywhere(client, noun)
        if _mirrors(policy)
    ]
    if found:
        raise CheckFailed(f"classic queue mirroring is enabled by {', '.join(found)}")
    return passed(session, "Cluster reported no policies that enable classic queue mirroring")


def _mirrors(policy: Object) -> bool:
    return any(mirrors(key) for key in policy.get("definition") or {})


def list_policies_with_classic_queue_mirroring(
    session: Session, sort: Sort = None, where: Where = None, match: Match = None, limit: Limit = None
) -> Rows:
    """List the policies of all virtual hosts that mirror classic queues."""
    selection = Selection(sort=sort, where=where, limit=limit, match=match)
    return run_listing(session, POLICIES, _fetch("policies"), selection, keep=_mirrors)


def list_operator_policies_with_classic_queue_mirroring(
    session: Session, sort: Sort = None, where: Where = None, match: Match = None, limit: Limit = None
) -> Rows:
    """List the operator policies of all virtual hosts that mirror classic queues."""
    selection = Selection(sort=sort, where=where, limit=limit, match=match)
    return run_listing(session, OPERATOR_POLICIES, _fetch("operator-policies"), selection, keep=_mirrors)


def _fetch(noun: policies.Noun) -> Callable[[Client, Wanted], Found]:
    return lambda client, _: Found(policies.everywhere(client, noun))
