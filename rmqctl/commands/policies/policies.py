"""Commands about policies."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, NamedTuple

import typer

from rmqctl.api import exchanges, lists, queues
from rmqctl.api import policies as api
from rmqctl.api.answering import needs_release, release_of
from rmqctl.api.client import Client
from rmqctl.commands.kit.arguments import AllVhosts, Columns, Limit, Match, Sort, Where
from rmqctl.commands.kit.confirming import Yes, confirm, confirm_if_protected, confirm_loss
from rmqctl.commands.kit.listing import Found, Selection, Wanted, list_command, lists_resource, run_listing
from rmqctl.commands.policies.parameters import json_of
from rmqctl.errors import DataError, RmqctlError, Unavailable, UsageError, missing_is_unavailable
from rmqctl.resources.column import Object, Resource
from rmqctl.resources.effective import ranked
from rmqctl.resources.patterns import of_glob
from rmqctl.resources.policies import COVERS, OPERATOR_POLICIES, POLICIES
from rmqctl.result import Nothing, Rows
from rmqctl.session import Session


class Kind(NamedTuple):
    """The two kinds of policy: the API's word, and their list."""

    noun: api.Noun
    resource: Resource

    def named(self, name: str, vhost: str) -> str:
        return api.named(self.noun, name, vhost)


_USERS = Kind("policies", POLICIES)
_OPERATORS = Kind("operator-policies", OPERATOR_POLICIES)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the policy.")]
Pattern = Annotated[str, typer.Argument(metavar="PATTERN", help="Regular expression for names.")]
Definition = Annotated[str, typer.Argument(metavar="DEFINITION", help="A JSON object of settings.")]
Priority = Annotated[
    int, typer.Option("--priority", metavar="N", help="Of those that match, the highest is in effect.")
]
ApplyTo = Annotated[
    str,
    typer.Option(
        "--apply-to", metavar="KIND", help="queues, classic_queues, quorum_queues, streams, exchanges or all."
    ),
]
DefinitionOption = Annotated[
    str, typer.Option("--definition", metavar="JSON", help="A JSON object of settings.", show_default=False)
]
Operator = Annotated[bool, typer.Option("--operator", help="Operator policies instead.")]
EveryOne = Annotated[bool, typer.Option("--all", help="Every policy of the virtual host.")]
EveryWhere = Annotated[bool, typer.Option("--all-vhosts", help="Every policy of every virtual host.")]


def _policies(client: Client, wanted: Wanted) -> Found:
    return Found(lists.of_vhost(client, "policies", wanted.vhost))


def _operator_policies(client: Client, wanted: Wanted) -> Found:
    return Found(lists.of_vhost(client, "operator-policies", wanted.vhost))


list_policies = list_command(POLICIES, _policies, "List policies of a virtual host.")
list_operator_policies = list_command(
    OPERATOR_POLICIES, _operator_policies, "List operator policies of a virtual host."
)


@lists_resource(POLICIES)
def list_policies_that_match(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the queue or exchange.")],
    object_type: Annotated[
        Literal["queue", "exchange"],
        typer.Option("--object-type", metavar="queue|exchange", help="What NAME is the name of.", case_sensitive=False),
    ] = "queue",
    columns: Columns = None,
    sort: Sort = None,
    where: Where = None,
    match: Match = None,
    limit: Limit = None,
) -> Rows:
    """List the policies that match a queue or an exchange; only the first, of highest priority, is in effect."""
    return _matching(session, _USERS, object_type, name, Selection(columns, False, sort, where, limit, match))


def _matching(
    session: Session, kind: Kind, object_type: Literal["queue", "exchange"], name: str, selection: Selection
) -> Rows:
    vhost = session.vhost
    target = "exchange"
    if object_type == "queue":
        target = str(queues.get(session.client, vhost, name, statistics=False).get("type"))
    else:
        exchanges.get(session.client, vhost, name, statistics=False)

    def fetch(client: Client, wanted: Wanted) -> Found:
        return Found(ranked(lists.of_vhost(client, kind.noun, wanted.vhost), target, name))

    return run_listing(session, kind.resource, fetch, selection, vhost=vhost)


# rabbitmqctl's


def set_policy(
    session: Session,
    name: Name,
    pattern: Pattern,
    definition: Definition,
    priority: Priority = 0,
    apply_to: ApplyTo = "all",
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set a policy: PUT /api/policies/VHOST/NAME. One of that name is replaced."""
    settings = _settings(definition, _USERS.named(name, session.vhost))
    return _set(session, _USERS, name, _policy(pattern, apply_to, priority, settings), yes)


def clear_policy(session: Session, name: Name, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Delete a policy: DELETE /api/policies/VHOST/NAME."""
    return _clear(session, _USERS, name, yes)


def set_operator_policy(
    session: Session,
    name: Name,
    pattern: Pattern,
    definition: Definition,
    priority: Priority = 0,
    apply_to: ApplyTo = "all",
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set an operator policy: PUT /api/operator-policies/VHOST/NAME. One of that name is replaced."""
    settings = _settings(definition, _OPERATORS.named(name, session.vhost))
    return _set(session, _OPERATORS, name, _policy(pattern, apply_to, priority, settings), yes)


def clear_operator_policy(session: Session, name: Name, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Delete an operator policy: DELETE /api/operator-policies/VHOST/NAME."""
    return _clear(session, _OPERATORS, name, yes)


def _set(session: Session, kind: Kind, name: str, policy: Object, yes: bool) -> Nothing:
    vhost = session.vhost
    if meant := of_glob(policy["pattern"]):
        session.hint(f"The pattern is a regular expression; as a shell's pattern it is {meant!r}.")
    confirm_loss(session, kind.named(name, vhost), policy["definition"], yes=yes, vhost=vhost)
    return _put(session, kind, vhost, name, policy)


def _policy(pattern: str, apply_to: str, priority: int, definition: dict[str, Any]) -> dict[str, Any]:
    return {"pattern": pattern, "apply-to": apply_to, "priority": priority, "definition": definition}


_OF_TYPES = frozenset(("classic_queues", "quorum_queues", "streams"))


def _put(session: Session, kind: Kind, vhost: str, name: str, policy: Object) -> Nothing:
    what = kind.named(name, vhost)
    try:
        api.put(session.client, kind.noun, vhost, name, policy)
    except Unavailable:
        if policy["apply-to"] in _OF_TYPES and release_of(session.client) < (3, 12):
            raise needs_release(session.client, f"{what}: --apply-to {policy['apply-to']}", "3.12") from None
        raise
    session.hint(f"{what}: {json.dumps(policy['definition'])} for {policy['pattern']!r}, priority {policy['priority']}")
    return Nothing()


def _clear(session: Session, kind: Kind, name: str, yes: bool) -> Nothing:
    what = kind.named(name, session.vhost)
    confirm_if_protected(session, f"clear {what}", yes=yes, vhost=session.vhost)
    with missing_is_unavailable():
        api.delete(session.client, kind.noun, session.vhost, name)
    session.hint(f"{what}: cleared")
    return Nothing()


def _settings(text: str, what: str) -> dict[str, Any]:
    """The definition of a policy. Raises Unavailable for anything but a JSON object."""
    value = json_of(text, what)
    if not isinstance(value, dict):
        raise Unavailable(f'{what}: the definition has to be a JSON object, such as {{"max-length": 1000}}')
    return value


# rabbitmqadmin's


@lists_resource(POLICIES)
def policies_matching(
    session: Session,
    object_type: Annotated[
        Literal["queue", "exchange"],
        typer.Argument(metavar="queue|exchange", help="What NAME is the name of.", case_sensitive=False),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the queue or exchange.")],
    columns: Columns = None,
    operator: Operator = False,
    sort: Sort = None,
    where: Where = None,
    match: Match = None,
    limit: Limit = None,
) -> Rows:
    """List the policies that match a queue or an exchange; only the first, of highest priority, is in effect."""
    selection = Selection(columns, False, sort, where, limit, match)
    return _matching(session, _OPERATORS if operator else _USERS, object_type, name, selection)


@lists_resource(POLICIES)
def policies_conflicting(
    session: Session,
    columns: Columns = None,
    operator: Operator = False,
    all_vhosts: AllVhosts = False,
    sort: Sort = None,
    where: Where = None,
    match: Match = None,
    limit: Limit = None,
) -> Rows:
    """List the policies that share priority and kind of object with another one of their virtual host.

    Where two of them match the same name, which one is in effect is left to chance.
    """
    kind = _OPERATORS if operator else _USERS

    def fetch(client: Client, wanted: Wanted) -> Found:
        return Found(_conflicting(lists.of_vhost(client, kind.noun, wanted.vhost)))

    selection = Selection(columns, all_vhosts, sort, where, limit, match)
    return run_listing(session, kind.resource, fetch, selection, vhost=session.vhost)


def _conflicting(policies: Iterable[lists.Row]) -> list[lists.Row]:
    rows = list(policies)

    def places(policy: Object) -> list[tuple[str, int, str]]:
        covered = COVERS.get(str(policy.get("apply-to")), ())
        return [(str(policy.get("vhost")), int(policy.get("priority") or 0), target) for target in covered]

    taken = Counter(place for policy in rows for place in places(policy))
    return [policy for policy in rows if any(taken[place] > 1 for place in places(policy))]


OVERRIDE_BY = 100
"""How far above the policy that it overrides an override stands."""

BLANKET_PRIORITY = -20
"""Where a policy for all that no other one matches stands, or below the lowest."""


def policies_declare_override(
    session: Session,
    name: Name,
    definition: DefinitionOption,
    override_name: Annotated[
        str | None, typer.Option("--override-name", metavar="NAME", help="Name of the new policy [overrides.NAME].")
    ] = None,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set a policy that stands above another one: its pattern, its settings, and those of the definition over them.

    Deleting it brings back what was in effect.
    """
    vhost = session.vhost
    below = api.get(session.client, _USERS.noun, vhost, name)
    changes = _settings(definition, _USERS.named(name, vhost))
    above = _policy(
        below["pattern"], below["apply-to"], below["priority"] + OVERRIDE_BY, {**below["definition"], **changes}
    )
    return _set(session, _USERS, override_name or f"overrides.{name}", above, yes)


def policies_declare_blanket(
    session: Session,
    name: Name,
    definition: DefinitionOption,
    apply_to: ApplyTo = "all",
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set a policy for everything that no other policy of the virtual host matches.

    Its pattern is ".*", its priority below that of all others.
    """
    vhost = session.vhost
    settings = _settings(definition, _USERS.named(name, vhost))
    others = [row["priority"] for row in lists.of_vhost(session.client, "policies", vhost) if row["name"] != name]
    priority = min([BLANKET_PRIORITY, *(other - 1 for other in others)])
    return _set(session, _USERS, name, _policy(".*", apply_to, priority, settings), yes)


def policies_patch(
    session: Session,
    definition: DefinitionOption,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Name of the policy, without --all.", show_default=False)
    ] = None,
    operator: Operator = False,
    every_one: EveryOne = False,
    everywhere: EveryWhere = False,
    yes: Annotated[bool, Yes] = False,
) -> Nothing | Rows:
    """Change settings of a policy, or of every one; the others stay as they are."""
    kind = _OPERATORS if operator else _USERS
    changes = _settings(definition, "--definition")

    def patched(settings: Object) -> dict[str, Any]:
        return {**settings, **changes}

    if every_one or everywhere:
        if name is not None:
            raise UsageError(f"policies patch: either {name!r} or --all")
        return _change_all(session, kind, everywhere, patched, f"set {', '.join(changes)}", yes)
    if name is None:
        raise UsageError("policies patch: which one? NAME or --all")
    return _change(session, kind, api.get(session.client, kind.noun, session.vhost, name), patched, yes)


def policies_delete_keys(
    session: Session,
    words: Annotated[
        list[str], typer.Argument(metavar="[NAME] KEY...", help="Name of the policy, without --all, and keys.")
    ],
    operator: Operator = False,
    every_one: EveryOne = False,
    everywhere: EveryWhere = False,
    yes: Annotated[bool, Yes] = False,
) -> Nothing | Rows:
    """Delete settings of a policy, or of every one, by their keys; the others stay as they are.

    A policy has at least one setting: of one that would have none left nothing is deleted.
    """
    kind = _OPERATORS if operator else _USERS
    bulk = every_one or everywhere
    keys = words if bulk else words[1:]
    if not keys:
        raise UsageError(f"policies delete_keys: which keys of policy {words[0]!r}?")

    def without(settings: Object) -> dict[str, Any]:
        return {key: value for key, value in settings.items() if key not in keys}

    if bulk:
        return _change_all(session, kind, everywhere, without, f"delete {', '.join(keys)}", yes)
    return _change(session, kind, api.get(session.client, kind.noun, session.vhost, words[0]), without, yes)


Edit = Callable[[Object], dict[str, Any]]
PARTLY = 3
"""Exit code of work that was done only in part."""


def _change(session: Session, kind: Kind, policy: lists.Row, edit: Edit, yes: bool) -> Nothing:
    """Writes a policy with its settings edited, unless that changes nothing."""
    definition = edit(policy["definition"])
    what = kind.named(policy["name"], policy["vhost"])
    if not definition:
        raise DataError(f"{what}: no setting would be left; clear_{api.one(kind.noun).replace(' ', '_')} deletes it")
    if definition == policy["definition"]:
        session.hint(f"{what}: already as wanted")
        return Nothing()
    return _set(session, kind, policy["name"], {**policy, "definition": definition}, yes)


def _change_all(session: Session, kind: Kind, everywhere: bool, edit: Edit, doing: str, yes: bool) -> Rows:
    """A row for each policy: what became of it. Exit code 3 when only some of the changes could be made."""
    vhost = None if everywhere else session.vhost
    found = lists.of_vhost(session.client, kind.noun, vhost)
    wanted = [(policy, edit(policy["definition"])) for policy in found]
    changing = sum(bool(new) and new != policy["definition"] for policy, new in wanted)
    if changing:
        where = "all virtual hosts" if vhost is None else f"virtual host {vhost!r}"
        some = kind.resource.plural if changing > 1 else api.one(kind.noun)
        confirm(session, f"{doing} in {changing} {some} of {where}", yes=yes, vhost=vhost)
    rows: list[tuple[str, str, str]] = []
    failed = 0
    for policy, new in wanted:
        outcome = "unchanged"
        if not new:
            outcome = "skipped: no setting would be left"
        elif new != policy["definition"]:
            try:
                _put(session, kind, policy["vhost"], policy["name"], {**policy, "definition": new})
                outcome = "changed"
            except RmqctlError as error:
                failed += 1
                outcome = f"failed: {error}"
        rows.append((policy["vhost"], policy["name"], outcome))
    code = 0 if not failed else (PARTLY if failed < changing else Unavailable.exit_code)
    return Rows(("vhost", "name", "result"), rows, exit_code=code)
