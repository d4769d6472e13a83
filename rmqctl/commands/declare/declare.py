"""declare KIND NAME: what is there already and equal is success, what differs is not touched."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from rmqctl.api import declarations as api
from rmqctl.api.answering import needs_release, release_of
from rmqctl.commands.kit import new_password
from rmqctl.commands.kit.arguments import Match
from rmqctl.commands.kit.bulk import Done, DryRun, FailFast, Job, Work, ask, perform_in_turn
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected, confirm_loss
from rmqctl.commands.policies.parameters import confirm_operator_policy
from rmqctl.errors import UsageError
from rmqctl.resources.column import reader
from rmqctl.resources.declarations import (
    KINDS,
    Declaration,
    arguments,
    declaration,
    json_object,
    of_object,
    of_words,
    parsed_json,
    tags,
)
from rmqctl.resources.patterns import compiled
from rmqctl.resources.where import parse
from rmqctl.result import Nothing, Result
from rmqctl.session import Session
from rmqctl.units import count, duration, size

Name = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME", help="Its name; rabbitmqadmin's key=value words are understood too.", show_default=False
    ),
]
Durable = Annotated[
    bool | None, typer.Option("--durable/--transient", help="Outlives the broker.", show_default="durable")
]
AutoDelete = Annotated[bool | None, typer.Option("--auto-delete", help="Goes when nobody uses it any more.")]
Arg = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="KEY=VALUE", help="A further argument; KEY:=JSON for any type. Repeatable."),
]
Arguments = Annotated[str | None, typer.Option("--arguments", metavar="JSON", help="Arguments as one JSON object.")]


def _text(flag: str, metavar: str, text: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=text, show_default=False)


MaxLength = Annotated[str | None, _text("--max-length", "N", "Messages at most: 10k, 1M.")]
MaxLengthBytes = Annotated[str | None, _text("--max-length-bytes", "SIZE", "Bytes at most: 500MB, 1GiB.")]


# Queues


def declare_queue(
    session: Session,
    name: Name,
    type_: Annotated[
        str | None, _text("--type", "TYPE", "classic, quorum or stream; otherwise the virtual host's.")
    ] = None,
    durable: Durable = None,
    auto_delete: AutoDelete = None,
    ttl: Annotated[str | None, _text("--ttl", "TIME", "How long messages live: 500ms, 60s, 1h.")] = None,
    expires: Annotated[
        str | None, _text("--expires", "TIME", "Delete the queue when it is unused for this long.")
    ] = None,
    max_length: MaxLength = None,
    max_length_bytes: MaxLengthBytes = None,
    overflow: Annotated[
        str | None, _text("--overflow", "WHAT", "When full: drop-head, reject-publish or reject-publish-dlx.")
    ] = None,
    dlx: Annotated[str | None, _text("--dlx", "EXCHANGE", "Dead letters go to this exchange.")] = None,
    dlk: Annotated[str | None, _text("--dlk", "KEY", "Routing key of dead letters.")] = None,
    max_priority: Annotated[int | None, _text("--max-priority", "N", "Priorities from 0 to N.")] = None,
    single_active_consumer: Annotated[
        bool | None, typer.Option("--single-active-consumer", help="One consumer at a time.")
    ] = None,
    delivery_limit: Annotated[
        int | None,
        _text("--delivery-limit", "N", "A message returned more often is dropped or dead-lettered (quorum)."),
    ] = None,
    arg: Arg = None,
    all_arguments: Arguments = None,
) -> Nothing:
    """Declare a queue: PUT /api/queues/VHOST/NAME. One that is there with other arguments is an error that shows them."""
    options = {
        "x-queue-type": type_,
        "x-message-ttl": _number(duration, "--ttl", ttl),
        "x-expires": _number(duration, "--expires", expires),
        "x-max-length": _number(count, "--max-length", max_length),
        "x-max-length-bytes": _number(size, "--max-length-bytes", max_length_bytes),
        "x-overflow": overflow,
        "x-dead-letter-exchange": dlx,
        "x-dead-letter-routing-key": dlk,
        "x-max-priority": max_priority,
        "x-single-active-consumer": single_active_consumer,
        "x-delivery-limit": delivery_limit,
    }
    fields = {"durable": durable, "auto_delete": auto_delete, "arguments": _table(options, arg, all_arguments)}
    return _declare(session, "queue", name, fields)


def declare_stream(
    session: Session,
    name: Name,
    max_age: Annotated[str | None, _text("--max-age", "TIME", "How long messages live: 1h, 7D.")] = None,
    max_length_bytes: MaxLengthBytes = None,
    segment_size: Annotated[str | None, _text("--segment-size", "SIZE", "Bytes of a segment file: 100MB.")] = None,
    arg: Arg = None,
    all_arguments: Arguments = None,
) -> Nothing:
    """Declare a stream: PUT /api/queues/VHOST/NAME with x-queue-type stream."""
    options = {
        "x-max-age": max_age,
        "x-max-length-bytes": _number(size, "--max-length-bytes", max_length_bytes),
        "x-stream-max-segment-size-bytes": _number(size, "--segment-size", segment_size),
    }
    return _declare(session, "stream", name, {"arguments": _table(options, arg, all_arguments)})


# Exchanges and bindings


def declare_exchange(
    session: Session,
    name: Name,
    type_: Annotated[str | None, _text("--type", "TYPE", r"direct, fanout, topic, headers ... \[direct].")] = None,
    durable: Durable = None,
    auto_delete: AutoDelete = None,
    internal: Annotated[bool | None, typer.Option("--internal", help="Takes messages from exchanges alone.")] = None,
    alternate_exchange: Annotated[
        str | None, _text("--alternate-exchange", "EXCHANGE", "Takes what cannot be routed.")
    ] = None,
    arg: Arg = None,
    all_arguments: Arguments = None,
) -> Nothing:
    """Declare an exchange: PUT /api/exchanges/VHOST/NAME. One that is there and differs is an error that shows how."""
    table = _table({"alternate-exchange": alternate_exchange}, arg, all_arguments)
    fields = {"type": type_, "durable": durable, "auto_delete": auto_delete, "internal": internal, "arguments": table}
    return _declare(session, "exchange", name, fields)


def declare_binding(
    session: Session,
    words: Annotated[
        list[str], typer.Argument(metavar="EXCHANGE DESTINATION", help="From the exchange to the queue or exchange.")
    ],
    destination_type: Annotated[str | None, _text("--destination-type", "TYPE", r"queue or exchange \[queue].")] = None,
    routing_key: Annotated[str | None, _text("--routing-key", "KEY", "Routing key.")] = None,
    arg: Arg = None,
    all_arguments: Arguments = None,
) -> Nothing:
    """Bind a queue or an exchange to an exchange: POST /api/bindings/VHOST/e/EXCHANGE/q/QUEUE."""
    table = _table({}, arg, all_arguments)
    fields = {"destination_type": destination_type, "routing_key": routing_key, "arguments": table}
    return _declare(session, "binding", words, fields, names=("source", "destination"))


# Virtual hosts, users and what they may do


def declare_vhost(
    session: Session,
    name: Name,
    description: Annotated[str | None, _text("--description", "TEXT", "What it is for.")] = None,
    tags_: Annotated[str | None, _text("--tags", "TAG,...", "Tags.")] = None,
    default_queue_type: Annotated[
        str | None, _text("--default-queue-type", "TYPE", "Type of queues that are declared without one.")
    ] = None,
    tracing: Annotated[
        bool | None, typer.Option("--tracing/--no-tracing", help="Message tracing.", show_default="no")
    ] = None,
) -> Nothing:
    """Declare a virtual host: PUT /api/vhosts/NAME. The broker gives the user who does it all permissions in a new one."""
    fields = {
        "description": description,
        "tags": None if tags_ is None else tags(tags_),
        "default_queue_type": default_queue_type,
        "tracing": tracing,
    }
    return _declare(session, "vhost", name, fields)


def declare_user(
    session: Session,
    name: Name,
    password: Annotated[
        str | None,
        _text("--new-password", "PASSWORD", "Its password; others on this machine can see it in the process list."),
    ] = None,
    file: new_password.File = None,
    command: new_password.Command = None,
    stdin: new_password.Stdin = False,
    password_hash: Annotated[
        str | None, _text("--password-hash", "HASH", "Its hash instead: rmqctl hash_password makes one.")
    ] = None,
    tags_: Annotated[str | None, _text("--tags", "TAG,...", "Such as administrator or monitoring.")] = None,
) -> Nothing:
    """Declare a user: PUT /api/users/NAME. One that is there with another password or other tags is an error.

    Without any password option the password is asked for on a terminal.
    """
    fields = {"password_hash": password_hash, "tags": None if tags_ is None else tags(tags_)}
    words = of_words(KINDS["user"], name)[1]
    if password_hash is None and not words.keys() & {"password", "password_hash"}:
        fields["password"] = new_password.read(session, password, file, command, stdin)
        if fields["password"] is None:
            raise UsageError(
                "user: no password: give --new-password-file, --new-password-stdin, --new-password-command or --password-hash"
            )
    return _declare(session, "user", name, fields)


def declare_permissions(
    session: Session,
    user: Annotated[list[str], typer.Argument(metavar="USERNAME", help="The user.", show_default=False)],
    configure: Annotated[str | None, _text("--configure", "REGEX", "What may be declared and deleted.")] = None,
    write: Annotated[str | None, _text("--write", "REGEX", "What may be published to.")] = None,
    read: Annotated[str | None, _text("--read", "REGEX", "What may be consumed from.")] = None,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set the permissions of a user in a virtual host: PUT /api/permissions/VHOST/USERNAME."""
    fields = {"configure": configure, "write": write, "read": read}
    return _declare(session, "permissions", user, fields, names=("user",), yes=yes)


def declare_topic_permissions(
    session: Session,
    user: Annotated[list[str], typer.Argument(metavar="USERNAME", help="The user.", show_default=False)],
    exchange: Annotated[str | None, _text("--exchange", "EXCHANGE", "The topic exchange that they are about.")] = None,
    write: Annotated[str | None, _text("--write", "REGEX", "Routing keys to publish with.")] = None,
    read: Annotated[str | None, _text("--read", "REGEX", "Routing keys to bind with.")] = None,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set the topic permissions of a user on an exchange: PUT /api/topic-permissions/VHOST/USERNAME."""
    fields = {"exchange": exchange, "write": write, "read": read}
    return _declare(session, "topic_permissions", user, fields, names=("user",), yes=yes)


Value = Annotated[int | None, _text("--value", "N", "The limit; -1: none.")]


def declare_vhost_limit(session: Session, name: Name, value: Value = None) -> Nothing:
    """Set a limit (max-connections, max-queues) of a virtual host: PUT /api/vhost-limits/VHOST/NAME."""
    return _declare(session, "vhost_limit", name, {"value": value})


def declare_user_limit(
    session: Session,
    name: Name,
    username: Annotated[str | None, _text("--username", "USERNAME", "Whose limit it is.")] = None,
    value: Value = None,
) -> Nothing:
    """Set a limit (max-connections, max-channels) of a user: PUT /api/user-limits/USERNAME/NAME.

    To log in as somebody else, say --user.
    """
    return _declare(session, "user_limit", name, {"user": username, "value": value})


# Policies and parameters

Pattern = Annotated[str | None, _text("--pattern", "REGEX", "Names that it is for.")]
Definition = Annotated[str | None, _text("--definition", "JSON", "What it sets, as a JSON object.")]
Priority = Annotated[int | None, _text("--priority", "N", r"The highest that matches wins \[0].")]


def declare_policy(
    session: Session,
    name: Name,
    pattern: Pattern = None,
    definition: Definition = None,
    priority: Priority = None,
    apply_to: Annotated[
        str | None,
        _text("--apply-to", "WHAT", r"all, queues, classic_queues, quorum_queues, streams or exchanges \[all]."),
    ] = None,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set a policy: PUT /api/policies/VHOST/NAME. One that is there is replaced."""
    return _declare_policy(session, "policy", name, pattern, definition, priority, apply_to, yes)


def declare_operator_policy(
    session: Session,
    name: Name,
    pattern: Pattern = None,
    definition: Definition = None,
    priority: Priority = None,
    apply_to: Annotated[
        str | None, _text("--apply-to", "WHAT", r"queues, classic_queues, quorum_queues or streams \[queues].")
    ] = None,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set an operator policy: PUT /api/operator-policies/VHOST/NAME. One that is there is replaced."""
    return _declare_policy(session, "operator_policy", name, pattern, definition, priority, apply_to, yes)


def _declare_policy(
    session: Session,
    kind: str,
    name: list[str],
    pattern: str | None,
    definition: str | None,
    priority: int | None,
    apply_to: str | None,
    yes: bool,
) -> Nothing:
    table = None if definition is None else json_object(definition)
    fields = {"pattern": pattern, "definition": table, "priority": priority, "apply-to": apply_to}
    return _declare(session, kind, name, fields, yes=yes)


JsonValue = Annotated[str | None, _text("--value", "JSON", "Its value as JSON.")]


def declare_parameter(
    session: Session,
    name: Name,
    component: Annotated[str | None, _text("--component", "COMPONENT", "What it is for, such as shovel.")] = None,
    value: JsonValue = None,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set a runtime parameter: PUT /api/parameters/COMPONENT/VHOST/NAME. One that is there is replaced."""
    fields = {"component": component, "value": None if value is None else parsed_json(value)}
    return _declare(session, "parameter", name, fields, yes=yes)


def declare_global_parameter(session: Session, name: Name, value: JsonValue = None) -> Nothing:
    """Set a global runtime parameter: PUT /api/global-parameters/NAME. One that is there is replaced."""
    return _declare(session, "global_parameter", name, {"value": None if value is None else parsed_json(value)})


AckMode = Annotated[str | None, _text("--ack-mode", "MODE", "on-confirm, on-publish or no-ack.")]
ReconnectDelay = Annotated[int | None, _text("--reconnect-delay", "SECONDS", "Between two attempts to connect.")]
Prefetch = Annotated[int | None, _text("--prefetch-count", "N", "Messages on their way at most.")]


def declare_shovel(
    session: Session,
    name: Name,
    source_uri: Annotated[str | None, _text("--source-uri", "URI", r"AMQP address of the source \[amqp://].")] = None,
    source_queue: Annotated[str | None, _text("--source-queue", "QUEUE", "Take messages from it.")] = None,
    source_exchange: Annotated[str | None, _text("--source-exchange", "EXCHANGE", "Bind a queue to it.")] = None,
    source_key: Annotated[
        str | None, _text("--source-exchange-routing-key", "KEY", "Routing key of that binding.")
    ] = None,
    source_delete_after: Annotated[
        str | None,
        _text("--source-delete-after", "N", "When the shovel is deleted: never, queue-length, or after N messages."),
    ] = None,
    destination_uri: Annotated[
        str | None, _text("--destination-uri", "URI", r"AMQP address of the destination \[amqp://].")
    ] = None,
    destination_queue: Annotated[str | None, _text("--destination-queue", "QUEUE", "Put messages into it.")] = None,
    destination_exchange: Annotated[str | None, _text("--destination-exchange", "EXCHANGE", "Publish to it.")] = None,
    destination_key: Annotated[
        str | None, _text("--destination-exchange-routing-key", "KEY", "Publish with this routing key.")
    ] = None,
    ack_mode: AckMode = None,
    prefetch_count: Prefetch = None,
    reconnect_delay: ReconnectDelay = None,
    arg: Arg = None,
) -> Nothing:
    """Set a dynamic shovel: PUT /api/parameters/shovel/VHOST/NAME. --arg takes its further keys: src-consumer-args ..."""
    after = source_delete_after
    options = {
        "src-protocol": "amqp091",
        "src-uri": source_uri or "amqp://",
        "src-queue": source_queue,
        "src-exchange": source_exchange,
        "src-exchange-key": source_key,
        "src-delete-after": int(after) if after is not None and after.isdigit() else after,
        "src-prefetch-count": prefetch_count,
        "dest-protocol": "amqp091",
        "dest-uri": destination_uri or "amqp://",
        "dest-queue": destination_queue,
        "dest-exchange": destination_exchange,
        "dest-exchange-key": destination_key,
        "ack-mode": ack_mode,
        "reconnect-delay": reconnect_delay,
    }
    if source_queue is None and source_exchange is None and not (arg or any("=" in word for word in name)):
        raise UsageError("shovel: --source-queue or --source-exchange is missing")
    return _declare_defined(session, "shovel", name, options, arg)


def declare_federation_upstream(
    session: Session,
    name: Name,
    uri: Annotated[str | None, _text("--uri", "URI", "AMQP address of the upstream.")] = None,
    exchange: Annotated[str | None, _text("--exchange", "EXCHANGE", "Its name there, when it is another one.")] = None,
    queue: Annotated[str | None, _text("--queue", "QUEUE", "Its name there, when it is another one.")] = None,
    expires: Annotated[str | None, _text("--expires", "TIME", "How long the upstream keeps its queue: 1h.")] = None,
    ttl: Annotated[str | None, _text("--ttl", "TIME", "How long the upstream keeps messages: 60s.")] = None,
    max_hops: Annotated[int | None, _text("--max-hops", "N", "Federation links that a message may pass.")] = None,
    ack_mode: AckMode = None,
    prefetch_count: Prefetch = None,
    reconnect_delay: ReconnectDelay = None,
    trust_user_id: Annotated[
        bool | None,
        typer.Option("--trust-user-id/--no-trust-user-id", help="Keep the user-id of messages.", show_default="no"),
    ] = None,
    arg: Arg = None,
) -> Nothing:
    """Set a federation upstream: PUT /api/parameters/federation-upstream/VHOST/NAME."""
    options = {
        "uri": uri,
        "exchange": exchange,
        "queue": queue,
        "expires": _number(duration, "--expires", expires),
        "message-ttl": _number(duration, "--ttl", ttl),
        "max-hops": max_hops,
        "ack-mode": ack_mode,
        "prefetch-count": prefetch_count,
        "reconnect-delay": reconnect_delay,
        "trust-user-id": trust_user_id,
    }
    if uri is None and not (arg or any("=" in word for word in name)):
        raise UsageError("federation_upstream: --uri is missing")
    return _declare_defined(session, "federation_upstream", name, options, arg)


def _declare_defined(
    session: Session, kind: str, words: list[str], options: Mapping[str, Any], arg: list[str] | None
) -> Nothing:
    return _declare(session, kind, words, {"value": _table(options, arg, None)})


# One


def _declare(
    session: Session,
    kind_name: str,
    words: list[str],
    options: Mapping[str, Any],
    names: tuple[str, ...] = ("name",),
    *,
    yes: bool = False,
) -> Nothing:
    """Declares one thing, from its names, rabbitmqadmin's words and the options, which win."""
    kind = KINDS[kind_name]
    plain, fields = of_words(kind, words)
    left = [key for key in names if key not in fields]
    if len(plain) > len(left):
        raise UsageError(f"{kind_name}: {plain[len(left)]!r} is one word too many")
    fields |= dict(zip(left, plain, strict=False))
    given = {key: value for key, value in options.items() if value is not None}
    table = {**fields.get("arguments", {}), **given.pop("arguments", {})}
    wanted = declaration(kind, {**fields, **given, **({"arguments": table} if table else {})}, session.vhost)
    _check_release(session, wanted)
    _ask(session, wanted, yes=yes)
    declared = api.declare(session.client, wanted)
    session.hint(f"{wanted.what}: {_told(declared)}")
    return Nothing()


def _ask(session: Session, wanted: Declaration, *, yes: bool) -> None:
    """What replaces one that is there, and by which somebody can lose rights or messages, a protected context asks about."""
    if wanted.kind.name in ("permissions", "topic_permissions"):
        confirm_if_protected(session, f"set {wanted.what}", yes=yes, vhost=wanted.vhost)
    elif wanted.kind.name == "parameter":
        fields = wanted.fields
        confirm_operator_policy(session, fields["component"], wanted.what, fields["value"], yes=yes, vhost=wanted.vhost)
    elif wanted.kind.name in ("policy", "operator_policy"):
        confirm_loss(session, wanted.what, wanted.fields["definition"], yes=yes, vhost=wanted.vhost)


def _check_release(session: Session, wanted: Declaration) -> None:
    """Older releases pass over what they do not know, or refuse it without a word about releases. Raises Unavailable."""
    apply_to = wanted.fields.get("apply-to")
    for used, since in (
        (wanted.kind.name == "vhost" and "default_queue_type" in wanted.given, (3, 11)),
        (apply_to in ("classic_queues", "quorum_queues", "streams"), (3, 12)),
    ):
        if used and release_of(session.client) < since:
            feature = f"--apply-to {apply_to}" if apply_to else "a default queue type"
            raise needs_release(session.client, f"{wanted.what}: {feature}", ".".join(map(str, since)))


def _told(declared: api.Declared) -> str:
    changes = [text.replace("there ", "", 1).replace(", wanted ", " -> ", 1) for text in declared.differences]
    return f"{declared.result}: {'; '.join(changes)}" if changes else declared.result


def _number(parse_it: Any, flag: str, word: str | None) -> int | None:
    try:
        return None if word is None else int(parse_it(word))
    except UsageError as error:
        raise UsageError(f"{flag}: {error}") from None


def _table(options: Mapping[str, Any], words: list[str] | None, text: str | None) -> dict[str, Any]:
    """Arguments of options, of --arg and of --arguments. What is said twice must not say two things."""
    table: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    for more in (arguments(words or ()), json_object(text) if text is not None else {}):
        for key, value in more.items():
            if key in table and options.get(key) is not None and table[key] != value:
                raise UsageError(f"argument {key!r} is given twice: {table[key]!r} and {value!r}")
            table[key] = value
    return table


# Those of a file


def declare(
    session: Session,
    file: Annotated[
        str | None,
        typer.Option(
            "--file", "-f", metavar="FILE", help='One JSON object a line: {"kind": "queue", "name": ...}. -: stdin.'
        ),
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="EXPRESSION", help="Only those whose keys match: 'kind = queue'.")
    ] = None,
    match: Match = None,
    dry_run: DryRun = False,
    fail_fast: FailFast = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Declare what a file lists; what others need is declared before them, whatever the order of the lines.

    `declare KIND NAME` declares one thing: `rmqctl declare --help` lists the kinds.
    """
    if file is None:
        raise UsageError("declare what? A kind and a name, or --file FILE")
    wanted = list(_chosen(_declarations(session, file), where, match))
    stages = [
        [_job(session, each, dry_run=dry_run) for each in group]
        for _, group in groupby(sorted(wanted, key=lambda each: each.kind.order), key=lambda each: each.kind.order)
    ]
    jobs = [job for stage in stages for job in stage]
    work = Work(("declare", "declared"), "object", "objects", ("kind", "vhost", "name"), jobs)
    if not dry_run:
        ask(session, work, single=len(jobs) == 1, yes=yes, vhost=None)
    return perform_in_turn(session, work, stages, fail_fast=fail_fast)


def _declarations(session: Session, file: str) -> Iterator[Declaration]:
    """Raises UsageError naming the line. All lines are read before the first is acted on."""
    for number, line in enumerate(_lines(session, file), start=1):
        if not line.strip():
            continue
        try:
            yield of_object(parsed_json(line), session.vhost)
        except UsageError as error:
            raise UsageError(f"{file}, line {number}: {error}") from None


def _lines(session: Session, file: str) -> Iterable[str]:
    if file == "-":
        return session.read_stdin().split("\n")
    try:
        return Path(file).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UsageError(f"--file {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--file {file}: not UTF-8") from None


def _chosen(wanted: Iterable[Declaration], where: str | None, match: str | None) -> Iterator[Declaration]:
    # What is a kind as well (`kind = exchange`) is no column.
    known = {key for kind in KINDS.values() for key in kind.keys} - KINDS.keys() | {"kind", "vhost"}
    expression = None if where is None else parse(where, lambda name: name.partition(".")[0] in known)
    pattern = None if match is None else compiled(match)
    for each in wanted:
        row = {"kind": each.kind.name, "vhost": each.vhost, **each.fields}
        if expression is not None and not expression.matches(lambda name, row=row: reader(name)(row)):  # type: ignore[misc]
            continue
        if pattern is None or pattern.search(each.name):
            yield each


def _job(session: Session, wanted: Declaration, *, dry_run: bool) -> Job:
    def do() -> Done:
        _check_release(session, wanted)
        declared = api.declare(session.client, wanted, dry_run=dry_run)
        told = _told(declared)
        unchanged = declared.result == api.UNCHANGED
        return Done(f"would be {told}" if dry_run and not unchanged else told, skipped=unchanged)

    return Job((wanted.kind.name, wanted.vhost if wanted.kind.by_vhost else "", wanted.name), do)
