"""delete KIND NAME...: by name, or by what the lists show of them."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, NamedTuple

import typer

from rmqctl.api import bindings as bindings_api
from rmqctl.api import exchanges as exchanges_api
from rmqctl.api import limits, lists
from rmqctl.api import parameters as parameters_api
from rmqctl.api import permissions as permissions_api
from rmqctl.api import policies as policies_api
from rmqctl.api import queues as queues_api
from rmqctl.api import users as users_api
from rmqctl.api import vhosts as vhosts_api
from rmqctl.api.client import Client
from rmqctl.commands.kit.admin_words import fields_of, names_of
from rmqctl.commands.kit.arguments import Match
from rmqctl.commands.kit.bulk import (
    AllVhosts,
    Choice,
    Done,
    DryRun,
    FailFast,
    IfExists,
    Job,
    Where,
    Work,
    ask,
    matching,
    perform,
)
from rmqctl.commands.kit.confirming import Yes
from rmqctl.commands.kit.listing import Fetch, Found, Wanted
from rmqctl.errors import DataError, NoSuchUser, NotFound, UsageError
from rmqctl.naming import named
from rmqctl.resources import exchanges, parameters, permissions, policies, queues, users, vhosts
from rmqctl.resources.column import Need, Object, Resource
from rmqctl.resources.declarations import differences, json_object
from rmqctl.result import Result
from rmqctl.session import Session

DELETES = ("delete", "deleted")

IfEmpty = Annotated[bool, typer.Option("--if-empty", help="Only when it has no ready messages.")]
IfUnused = Annotated[bool, typer.Option("--if-unused", help="Only when nothing uses it: no consumers, no bindings.")]
Queues = Annotated[list[str] | None, typer.Argument(metavar="[QUEUE]...", help="Names.", show_default=False)]
Exchanges = Annotated[list[str] | None, typer.Argument(metavar="[EXCHANGE]...", help="Names.", show_default=False)]
Usernames = Annotated[list[str] | None, typer.Argument(metavar="[USERNAME]...", help="Names.", show_default=False)]


class _Kind(NamedTuple):
    """How things of a kind are listed and deleted. `delete` takes virtual host and name, and the command's own flags.

    `keep` leaves out what an expression cannot mean, reading `fields`.
    """

    noun: str
    plural: str
    resource: Resource
    fetch: Fetch
    delete: Callable[..., None]
    by_vhost: bool = True
    key: str = "name"
    keep: Callable[[Object], bool] = lambda _: True
    fields: tuple[str, ...] = ()


def fetch_queues(client: Client, wanted: Wanted) -> Found:
    totals = any(count in wanted.fields for count in queues.COUNTS)
    statistics = wanted.need is Need.STATISTICS
    found = queues_api.fetch(client, wanted.vhost, wanted.fields, totals=totals, statistics=statistics)
    return Found(found.rows)


def _fetch_exchanges(client: Client, wanted: Wanted) -> Found:
    cheap = {} if wanted.need is Need.STATISTICS else {"disable_stats": "true"}
    return Found(lists.of_vhost(client, "exchanges", wanted.vhost, fields=wanted.fields, query=cheap))


def _of_vhost(noun: str) -> Fetch:
    return lambda client, wanted: Found(lists.of_vhost(client, noun, wanted.vhost))


def _everywhere(noun: str) -> Fetch:
    return lambda client, _: Found(lists.fetch(client, noun))


def _permissions(noun: permissions_api.Noun) -> Fetch:
    return lambda client, wanted: Found(permissions_api.of_vhost(client, noun, wanted.vhost))


def _component(name: str) -> Fetch:
    def fetch(client: Client, wanted: Wanted) -> Found:
        rows = lists.fetch(client, "parameters", name, what=f"parameters of component {name!r}")
        return Found([row for row in rows if wanted.vhost in (None, row.get("vhost"))])

    return fetch


def _parameters(noun: str, plural: str, component: str) -> _Kind:
    def delete(client: Client, vhost: str, name: str) -> None:
        parameters_api.delete(client, component, vhost, name, what=named(noun, name, vhost))

    return _Kind(noun, plural, parameters.PARAMETERS, _component(component), delete)


def _policies(noun: policies_api.Noun, resource: Resource) -> _Kind:
    delete: Callable[..., None] = lambda client, vhost, name: policies_api.delete(client, noun, vhost, name)  # noqa: E731
    return _Kind(policies_api.one(noun), resource.plural, resource, _of_vhost(noun), delete)


_QUEUE = _Kind("queue", "queues", queues.QUEUES, fetch_queues, queues_api.delete)
_STREAM = _QUEUE._replace(
    noun="stream",
    plural="streams",
    delete=partial(queues_api.delete, noun="stream"),
    keep=lambda row: row.get("type") == "stream",
    fields=("type",),
)
# The broker refuses to delete those that it made itself.
_EXCHANGE = _Kind(
    "exchange", "exchanges", exchanges.EXCHANGES, _fetch_exchanges, exchanges_api.delete,
    keep=lambda row: row["name"] != "" and not row["name"].startswith("amq."),
)  # fmt: skip
_POLICY = _policies("policies", policies.POLICIES)
_OPERATOR_POLICY = _policies("operator-policies", policies.OPERATOR_POLICIES)
_VHOST = _Kind(
    "virtual host", "virtual hosts", vhosts.VHOSTS, _everywhere("vhosts"),
    lambda client, _, name: vhosts_api.delete(client, name), by_vhost=False,
)  # fmt: skip
_USER = _Kind(
    "user", "users", users.USERS, _everywhere("users"),
    lambda client, _, name: users_api.delete(client, name), by_vhost=False,
)  # fmt: skip
_PERMISSIONS = _Kind(
    "permissions of user", "permissions", permissions.PERMISSIONS, _permissions("permissions"),
    lambda client, vhost, name: permissions_api.delete(client, "permissions", vhost, name), key="user",
)  # fmt: skip
_GLOBAL_PARAMETER = _Kind(
    "global parameter", "global parameters", parameters.GLOBAL_PARAMETERS, _everywhere("global-parameters"),
    lambda client, _, name: parameters_api.delete_globally(client, name), by_vhost=False,
)  # fmt: skip


class _Way(NamedTuple):
    """The options that every delete has."""

    if_exists: bool
    dry_run: bool
    fail_fast: bool
    yes: bool


def _delete(
    session: Session,
    kind: _Kind,
    choice: Choice,
    way: _Way,
    check: Callable[[str, str], None] | None = None,
    **flags: bool,
) -> Result:
    """Deletes what is chosen. `flags` go to the broker, `check` is called before with virtual host and name."""
    session, names = names_of(session, choice.names, kind.key)
    choice = choice._replace(names=names)
    choice.check()
    jobs = [_job(session, kind, choice, way, name, flags, check) for name in _chosen(session, kind, choice)]
    columns = ("vhost", "name") if choice.all_vhosts else ("name",)
    work = Work(DELETES, kind.noun, kind.plural, columns, jobs)
    if not way.dry_run:
        # Before a virtual host itself is deleted, its own name is what a protected context wants typed.
        vhost = session.vhost if kind.by_vhost and not choice.all_vhosts else None
        vhost = choice.names[0] if kind is _VHOST and choice.single else vhost
        ask(session, work, single=choice.single, yes=way.yes, vhost=vhost)
    return perform(session, work, dry_run=way.dry_run, fail_fast=way.fail_fast)


def _chosen(session: Session, kind: _Kind, choice: Choice) -> list[tuple[str, str]]:
    """Virtual host and name of each."""
    if not choice.by_expression:
        return [(session.vhost, name) for name in dict.fromkeys(choice.names)]
    rows = matching(
        session, kind.resource, kind.fetch, choice, name=lambda row: str(row[kind.key]), fields=(kind.key, *kind.fields)
    )
    # A user has several topic permissions in a virtual host, which go together.
    return list(dict.fromkeys((row.get("vhost", session.vhost), row[kind.key]) for row in rows if kind.keep(row)))


def _job(
    session: Session,
    kind: _Kind,
    choice: Choice,
    way: _Way,
    which: tuple[str, str],
    flags: dict[str, bool],
    check: Callable[[str, str], None] | None,
) -> Job:
    vhost, name = which

    def do() -> Done:
        if check:
            check(vhost, name)
        return _gone(partial(kind.delete, session.client, vhost, name, **flags), if_exists=way.if_exists)

    return Job((vhost, name) if choice.all_vhosts else (name,), do)


def _gone(delete: Callable[[], None], *, if_exists: bool) -> Done:
    try:
        delete()
    except (NotFound, NoSuchUser):
        if if_exists:
            return Done("not there", skipped=True)
        raise
    return Done("deleted")


# Queues and exchanges


def delete_queue(
    session: Session,
    names: Queues = None,
    if_empty: IfEmpty = False,
    if_unused: IfUnused = False,
    if_exists: IfExists = False,
    where: Where = None,
    match: Match = None,
    all_vhosts: AllVhosts = False,
    dry_run: DryRun = False,
    fail_fast: FailFast = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Delete queues and their messages: DELETE /api/queues/VHOST/NAME."""
    choice = Choice(names or (), where, match, all_vhosts)
    way = _Way(if_exists, dry_run, fail_fast, yes)
    return _delete(session, _QUEUE, choice, way, if_empty=if_empty, if_unused=if_unused)


def delete_stream(
    session: Session,
    names: Queues = None,
    if_unused: IfUnused = False,
    if_exists: IfExists = False,
    where: Where = None,
    match: Match = None,
    all_vhosts: AllVhosts = False,
    dry_run: DryRun = False,
    fail_fast: FailFast = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Delete streams and their messages; a queue of another type stays: DELETE /api/queues/VHOST/NAME."""

    def check(vhost: str, name: str) -> None:
        found = queues_api.find(session.client, vhost, name, "type")
        kind = "stream" if found is None else found.get("type", "classic")
        if kind != "stream":
            raise DataError(f"{named('stream', name, vhost)} is a {kind} queue; delete queue {name!r} deletes it")

    choice = Choice(names or (), where, match, all_vhosts)
    way = _Way(if_exists, dry_run, fail_fast, yes)
    return _delete(session, _STREAM, choice, way, None if choice.by_expression else check, if_unused=if_unused)


def delete_exchange(
    session: Session,
    names: Exchanges = None,
    if_unused: IfUnused = False,
    if_exists: IfExists = False,
    where: Where = None,
    match: Match = None,
    all_vhosts: AllVhosts = False,
    dry_run: DryRun = False,
    fail_fast: FailFast = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Delete exchanges: DELETE /api/exchanges/VHOST/NAME. An expression leaves out those of the broker (amq.*)."""
    choice = Choice(names or (), where, match, all_vhosts)
    return _delete(session, _EXCHANGE, choice, _Way(if_exists, dry_run, fail_fast, yes), if_unused=if_unused)


def delete_binding(
    session: Session,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="EXCHANGE DESTINATION",
            help="The exchange that is bound from, and the queue or exchange that is bound.",
        ),
    ],
    destination_type: Annotated[
        str, typer.Option("--destination-type", metavar="TYPE", help="queue or exchange.")
    ] = "queue",
    routing_key: Annotated[str | None, typer.Option("--routing-key", metavar="KEY", help="Routing key.")] = None,
    arguments: Annotated[str | None, typer.Option("--arguments", metavar="JSON", help="All its arguments.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that there are between the two.")] = False,
    if_exists: IfExists = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Delete a binding by its parts: DELETE /api/bindings/VHOST/e/EXCHANGE/q/DESTINATION/KEY.

    Without routing key and arguments there must be only one between the two, or --all is given.
    """
    session, said = fields_of(session, words, *_BINDING)
    if said is None and len(words) != 2:
        raise UsageError(f"binding: EXCHANGE and DESTINATION are wanted, not {len(words)} words")
    source, destination = words if said is None else (said["source"], said.get("destination", ""))
    destination_type = (said or {}).get("destination_type", destination_type)
    properties_key = (said or {}).get("properties_key")
    if destination_type not in ("queue", "exchange"):
        raise UsageError(f"--destination-type: {destination_type!r} is neither queue nor exchange")
    client = session.client
    pair = bindings_api.Pair(session.vhost, source, destination_type, destination)
    what = named(f"binding of {destination_type} {destination!r} to exchange", source, session.vhost)
    table = json_object(arguments) if arguments is not None else None
    rows = [
        row
        for row in _bindings(client, pair, what)
        if (routing_key is None or row.get("routing_key") == routing_key)
        and (properties_key is None or row["properties_key"] == properties_key)
        and (table is None or not differences(dict(row.get("arguments") or {}), table))
    ]
    if len(rows) > 1 and not every:
        known = "; ".join(f"routing key {row['routing_key']!r}, arguments {row.get('arguments') or {}}" for row in rows)
        raise DataError(
            f"{what}: there are {len(rows)}: {known}; name --routing-key and --arguments, or all with --all"
        )
    if not rows and not if_exists:
        raise NotFound(f"{what} does not exist ({client.endpoint.url})")
    jobs = [
        Job(
            (source, destination, str(row.get("routing_key", ""))),
            partial(
                _gone, partial(bindings_api.delete, client, pair, row["properties_key"], what=what), if_exists=if_exists
            ),
        )
        for row in rows
    ]
    work = Work(DELETES, "binding", "bindings", ("source", "destination", "routing_key"), jobs)
    if not dry_run:
        ask(session, work, single=len(jobs) == 1, yes=yes, vhost=session.vhost)
    return perform(session, work, dry_run=dry_run, fail_fast=False)


_BINDING = ("source", "destination", "destination_type", "properties_key")


def _bindings(client: Client, pair: bindings_api.Pair, what: str) -> list[lists.Row]:
    try:
        return bindings_api.between(client, pair, what=what)
    except NotFound:
        return []


# What has a name and nothing else


def _by_name(kind: _Kind, metavar: str, doc: str) -> Callable[..., Result]:
    """The command for a kind without options of its own."""
    given = Annotated[list[str] | None, typer.Argument(metavar=f"[{metavar}]...", help="Names.", show_default=False)]

    def of_vhost(
        session: Session,
        names: given = None,
        if_exists: IfExists = False,
        where: Where = None,
        match: Match = None,
        all_vhosts: AllVhosts = False,
        dry_run: DryRun = False,
        fail_fast: FailFast = False,
        yes: Annotated[bool, Yes] = False,
    ) -> Result:
        choice = Choice(names or (), where, match, all_vhosts)
        return _delete(session, kind, choice, _Way(if_exists, dry_run, fail_fast, yes))

    def of_broker(
        session: Session,
        names: given = None,
        if_exists: IfExists = False,
        where: Where = None,
        match: Match = None,
        dry_run: DryRun = False,
        fail_fast: FailFast = False,
        yes: Annotated[bool, Yes] = False,
    ) -> Result:
        return _delete(session, kind, Choice(names or (), where, match), _Way(if_exists, dry_run, fail_fast, yes))

    command: Callable[..., Result] = of_vhost if kind.by_vhost else of_broker
    command.__doc__ = doc
    return command


delete_policy = _by_name(_POLICY, "POLICY", "Delete policies: DELETE /api/policies/VHOST/NAME.")
delete_operator_policy = _by_name(
    _OPERATOR_POLICY, "POLICY", "Delete operator policies: DELETE /api/operator-policies/VHOST/NAME."
)
delete_vhost = _by_name(_VHOST, "VHOST", "Delete virtual hosts and all that is in them: DELETE /api/vhosts/NAME.")
delete_user = _by_name(_USER, "USERNAME", "Delete users: DELETE /api/users/NAME.")
delete_permissions = _by_name(
    _PERMISSIONS, "USERNAME", "Delete users' permissions in a virtual host: DELETE /api/permissions/VHOST/USERNAME."
)
delete_global_parameter = _by_name(
    _GLOBAL_PARAMETER, "NAME", "Delete global runtime parameters: DELETE /api/global-parameters/NAME."
)
delete_shovel = _by_name(
    _parameters("shovel", "shovels", "shovel"),
    "NAME",
    "Delete dynamic shovels: DELETE /api/parameters/shovel/VHOST/NAME.",
)
delete_federation_upstream = _by_name(
    _parameters("federation upstream", "federation upstreams", "federation-upstream"), "NAME",
    "Delete federation upstreams: DELETE /api/parameters/federation-upstream/VHOST/NAME.",
)  # fmt: skip


# What belongs to something else


def delete_parameter(
    session: Session,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Names.", show_default=False)] = None,
    component: Annotated[
        str | None,
        typer.Option("--component", metavar="COMPONENT", help="What it is for, such as shovel.", show_default=False),
    ] = None,
    if_exists: IfExists = False,
    where: Where = None,
    match: Match = None,
    all_vhosts: AllVhosts = False,
    dry_run: DryRun = False,
    fail_fast: FailFast = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Delete runtime parameters: DELETE /api/parameters/COMPONENT/VHOST/NAME."""
    session, said = fields_of(session, names or (), "name", "component")
    if said is not None:
        names, component = [said["name"]], said.get("component", component)
    if component is None:
        raise UsageError("parameter: --component is missing")
    kind = _parameters(f"parameter of component {component!r}", f"parameters of component {component!r}", component)
    return _delete(
        session, kind, Choice(names or (), where, match, all_vhosts), _Way(if_exists, dry_run, fail_fast, yes)
    )


def delete_topic_permissions(
    session: Session,
    names: Usernames = None,
    exchange: Annotated[
        str | None, typer.Option("--exchange", metavar="EXCHANGE", help="On this exchange only.", show_default=False)
    ] = None,
    if_exists: IfExists = False,
    where: Where = None,
    match: Match = None,
    all_vhosts: AllVhosts = False,
    dry_run: DryRun = False,
    fail_fast: FailFast = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Delete users' topic permissions: DELETE /api/topic-permissions/VHOST/USERNAME/EXCHANGE."""
    session, said = fields_of(session, names or (), "user", "exchange")
    if said is not None:
        names, exchange = [said["user"]], said.get("exchange", exchange)
    kind = _Kind(
        "topic permissions of user", "topic permissions", permissions.TOPIC_PERMISSIONS, _permissions("topic-permissions"),
        lambda client, vhost, name: permissions_api.delete(client, "topic-permissions", vhost, name, exchange), key="user",
        keep=lambda row: exchange in (None, row.get("exchange")), fields=("exchange",),
    )  # fmt: skip
    return _delete(
        session, kind, Choice(names or (), where, match, all_vhosts), _Way(if_exists, dry_run, fail_fast, yes)
    )


Limits = Annotated[list[str], typer.Argument(metavar="LIMIT...", help="Such as max-connections.")]


def delete_vhost_limit(
    session: Session,
    names: Limits,
    if_exists: IfExists = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Delete limits of a virtual host: DELETE /api/vhost-limits/VHOST/NAME."""
    session, found = names_of(session, names)
    return _delete_limits(session, list(found), "vhost-limits", session.vhost, _Way(if_exists, dry_run, False, yes))


def delete_user_limit(
    session: Session,
    names: Limits,
    username: Annotated[
        str | None, typer.Option("--username", metavar="USERNAME", help="Whose limit it is.", show_default=False)
    ] = None,
    if_exists: IfExists = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Delete limits of a user: DELETE /api/user-limits/USERNAME/NAME. To log in as somebody else, say --user."""
    session, said = fields_of(session, names, "name", "user")
    if said is not None:
        names, username = [said["name"]], said.get("user", username)
    if username is None:
        raise UsageError("user_limit: --username is missing")
    return _delete_limits(session, names, "user-limits", username, _Way(if_exists, dry_run, False, yes))


def _delete_limits(session: Session, names: list[str], noun: limits.Noun, owner: str, way: _Way) -> Result:
    """The API deletes a limit that is not there, too, so the limits are looked at before."""
    client = session.client
    whose = f"virtual host {owner!r}" if noun == "vhost-limits" else f"user {owner!r}"
    there = limits.get(client, noun, owner)

    def job(name: str) -> Job:
        def do() -> Done:
            if name not in there:
                if way.if_exists:
                    return Done("not there", skipped=True)
                raise NotFound(f"limit {name!r} of {whose} does not exist ({client.endpoint.url})")
            limits.delete(client, noun, owner, name)
            return Done("deleted")

        return Job((name,), do)

    work = Work(DELETES, "limit", f"limits of {whose}", ("name",), [job(name) for name in dict.fromkeys(names)])
    if not way.dry_run:
        ask(session, work, single=len(names) == 1, yes=way.yes, vhost=owner if noun == "vhost-limits" else None)
    return perform(session, work, dry_run=way.dry_run, fail_fast=False)
