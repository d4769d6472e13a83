"""rabbitmqadmin v1 and v2 against the embedded broker: word for word what they print about RabbitMQ 4.3."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from ..contract import topology
from ..contract.brokers import Node, Ran, read_settings, run

VHOST, USER, QUEUE = "admin.v", "admin-user", "q.1é"

V1 = [
    ["declare", "vhost", f"name={VHOST}"],
    ["declare", "user", f"name={USER}", "password=p", "tags=monitoring,policymaker"],
    ["declare", "permission", f"vhost={VHOST}", f"user={USER}", "configure=^a", "write=.*", "read="],
    ["declare", "exchange", "name=ex", "type=topic", "durable=false"],
    ["declare", "queue", f"name={QUEUE}", 'arguments={"x-max-length": 5, "x-queue-type": "quorum"}'],
    ["declare", "queue", "name=plain", "durable=true", "auto_delete=false"],
    ["declare", "queue", "name=plain", "durable=true", 'arguments={"x-expires": 1000}'],
    ["declare", "binding", "source=ex", f"destination={QUEUE}", "routing_key=a.#"],
    ["declare", "binding", "source=ex", "destination=plain", "routing_key=*.b", 'arguments={"k": [1, "two"]}'],
    ["declare", "binding", "source=nope", "destination=plain"],
    ["declare", "policy", "name=pol", "pattern=^pl", 'definition={"max-length": 3}', "priority=7", "apply-to=queues"],
    ["declare", "policy", "name=bad", "pattern=^pl", 'definition={"no-such-key": 3}'],
    ["declare", "operator_policy", "name=op", "pattern=.*", 'definition={"max-length": 9}'],
    ["declare", "vhost_limit", f"vhost={VHOST}", "name=max-queues", "value=10"],
    [
        "publish",
        "exchange=ex",
        "routing_key=a.b",
        "payload=hello",
        'properties={"headers": {"h": 1}, "delivery_mode": 2}',
    ],
    ["publish", "exchange=ex", "routing_key=none", "payload=hello"],
    ["publish", "exchange=amq.default", "routing_key=plain", "payload=second"],
    ["publish", "exchange=nope", "routing_key=plain", "payload=x"],
    ["get", "queue=plain", "count=5", "-f", "pretty_json"],
    ["get", "queue=plain", "count=1", "ackmode=ack_requeue_false", "encoding=base64"],
    ["get", "queue=nope"],
    ["purge", "queue", "name=plain"],
    ["get", "queue=plain"],
    ["list", "vhosts", "name", "tracing"],
    ["list", "users", "name", "tags"],
    ["list", "permissions"],
    ["list", "exchanges", "name", "type", "durable", "auto_delete", "internal", "arguments"],
    ["list", "queues", "name", "durable", "auto_delete", "type", "-S", "name"],
    ["list", "bindings", "source", "destination", "destination_type", "routing_key", "properties_key"],
    ["list", "policies"],
    ["list", "operator_policies"],
    ["list", "parameters"],
    ["list", "vhost_limits"],
    ["list", "connections", "name"],
    ["list", "channels", "name"],
    ["list", "consumers", "consumer_tag"],
    ["list", "nodes", "name", "running", "type"],
    ["show", "overview", "rabbitmq_version", "-f", "kvp"],
    ["export", "{file}"],
    ["delete", "binding", "source=ex", f"destination={QUEUE}", "destination_type=queue", "properties_key=a.%23"],
    ["delete", "queue", "name=plain"],
    ["delete", "queue", "name=plain"],
    ["delete", "exchange", "name=ex"],
    ["delete", "policy", "name=pol"],
    ["import", "{file}"],
    ["list", "queues", "name", "-S", "name"],
    ["list", "bindings", "source", "destination", "routing_key", "properties_key"],
    ["delete", "permission", f"vhost={VHOST}", f"user={USER}"],
    ["delete", "user", f"name={USER}"],
    ["delete", "vhost", f"name={VHOST}"],
]

V2 = [
    ["vhosts", "declare", "--name", VHOST, "--description", "tried"],
    ["users", "declare", "--name", USER, "--password", "p", "--tags", "monitoring"],
    ["permissions", "declare", "--username", USER, "--configure", "^a", "--write", ".*", "--read", ".*"],
    ["exchanges", "declare", "--name", "ex", "--type", "topic", "--durable", "false"],
    ["queues", "declare", "--name", QUEUE, "--type", "quorum", "--arguments", '{"x-max-length": 5}'],
    ["queues", "declare", "--name", "plain", "--type", "classic"],
    ["queues", "declare", "--name", "plain", "--type", "quorum"],
    ["bindings", "declare", "--source", "ex", "--destination-type", "queue", "--destination", "plain",
     "--routing-key", "a.#"],
    ["policies", "declare", "--name", "pol", "--pattern", "^pl", "--apply-to", "queues", "--priority", "7",
     "--definition", '{"max-length": 3}'],
    ["operator_policies", "declare", "--name", "op", "--pattern", ".*", "--apply-to", "queues", "--priority", "1",
     "--definition", '{"max-length": 9}'],
    ["vhost_limits", "declare", "--name", "max-queues", "--value", "10"],
    ["user_limits", "declare", "--username", USER, "--name", "max-channels", "--value", "3"],
    ["publish", "message", "--exchange", "ex", "--routing-key", "a.b", "--payload", "hello"],
    ["publish", "message", "--exchange", "ex", "--routing-key", "none", "--payload", "hello"],
    ["get", "messages", "--queue", "plain", "--count", "3", "--ack-mode", "ack_requeue_true"],
    ["queues", "purge", "--name", "plain"],
    ["get", "messages", "--queue", "plain"],
    ["get", "messages", "--queue", "nope"],
    ["vhosts", "list"],
    ["users", "list"],
    ["permissions", "list"],
    ["exchanges", "list"],
    ["queues", "list", "--columns", "name,vhost,queue_type,durable,arguments"],
    ["queues", "show", "--name", "plain", "--columns", "name,queue_type,durable"],
    ["bindings", "list"],
    ["policies", "list"],
    ["policies", "list_matching_object", "--name", "plain", "--type", "queues"],
    ["operator_policies", "list"],
    ["vhost_limits", "list"],
    ["user_limits", "list"],
    ["connections", "list"],
    ["channels", "list"],
    ["list", "consumers"],
    ["health_check", "local_alarms"],
    ["health_check", "cluster_wide_alarms"],
    ["definitions", "export_from_vhost", "--stdout"],
    ["bindings", "delete", "--source", "ex", "--destination-type", "queue", "--destination", "plain",
     "--routing-key", "a.#"],
    ["queues", "delete", "--name", "plain"],
    ["queues", "delete", "--name", "plain"],
    ["queues", "delete", "--name", "plain", "--idempotently"],
    ["exchanges", "delete", "--name", "ex"],
    ["definitions", "import_into_vhost", "--stdin"],
    ["queues", "list", "--columns", "name,queue_type"],
    ["bindings", "list"],
    ["permissions", "delete", "--username", USER],
    ["users", "delete", "--name", USER],
    ["vhosts", "delete", "--name", VHOST],
]  # fmt: skip

# What a node says of itself, and of the plugins that it has.
OWN = (
    "password_hash",
    "rabbitmq_version",
    "rabbit_version",
    "product_version",
    "cluster_name",
    "original_cluster_name",
)


def first(node: Node, folder: Path) -> list[tuple[list[str], Ran]]:
    admin = shlex.split(read_settings()["RMQCTL_TEST_ADMIN1"])
    port = node.url.rpartition(":")[2]
    file = folder / f"{node.key}.json"
    done = []
    for step in V1:
        words = [word.format(file=file) if word == "{file}" else word for word in step]
        own = words[1:2] == ["vhost"] or words[1:2] == ["user"]
        done.append((step, run([*admin, "-H", "127.0.0.1", "-P", port, *([] if own else ["-V", VHOST]), *words])))
    exported = Ran(("export",), 0, file.read_bytes(), b"")
    return [*done, (["exported"], exported)]


def second(node: Node, _folder: Path) -> list[tuple[list[str], Ran]]:
    admin = shlex.split(read_settings()["RMQCTL_TEST_ADMIN2"])
    port = node.url.rpartition(":")[2]
    done, exported = [], b""
    for step in V2:
        words = ["-H", "127.0.0.1", "-P", port, "--vhost", VHOST, "--non-interactive", *step]
        done.append((step, run([*admin, *words], stdin=exported)))
        if "--stdout" in step:
            exported = done[-1][1].stdout
    return done


def seen(node: Node, step: list[str], ran: Ran) -> Any:
    """Exit code and what was printed, without what a node says of itself, salts, and hashes of Erlang terms."""
    if ran.exit == 0 and (step == ["exported"] or "export_from_vhost" in step):
        return ran.exit, {key: in_order(value) for key, value in json.loads(ran.text).items() if key not in OWN}
    if step[:2] == ["show", "overview"]:
        return ran.exit, ran.text.partition(" ")[0]
    text = ran.text + ran.errors
    for own in (f"'{node.name}'", node.name, node.url.rpartition(":")[2], f"{node.key}.json"):
        text = text.replace(own, "OWN")
    for changing in (r"[A-Za-z0-9+/]{48}", r"~[\w-]{6}", r"-{3,}", " +"):
        text = re.sub(changing, " ", text)
    return ran.exit, text.splitlines()


def in_order(value: Any) -> Any:
    return sorted(value, key=lambda row: json.dumps(row, sort_keys=True)) if isinstance(value, list) else value


@pytest.mark.parametrize("admin", [first, second], ids=["v1", "v2"])
def test_the_same_words_are_answered_with_the_same(real: Node, ours: Node, admin: Any, tmp_path: Path) -> None:
    answers = []
    for node in (real, ours):
        topology.clear(node)
        answers.append([(step, seen(node, step, ran)) for step, ran in admin(node, tmp_path)])
    # The first step creates the virtual host: a tool that does not work at all would say the same about both.
    assert answers[0][0][1][0] == 0, answers[0][0]
    different = [
        f"{shlex.join(step)}\n    expected {expected}\n    got      {got}"
        for (step, expected), (_, got) in zip(*answers, strict=True)
        if expected != got
    ]
    assert not different, "\n".join(different)
