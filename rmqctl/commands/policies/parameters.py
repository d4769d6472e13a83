"""Commands about runtime parameters."""

import json
from typing import Annotated, Any

import typer

from rmqctl.api import lists, vhosts
from rmqctl.api import parameters as api
from rmqctl.api.client import Client
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected, confirm_loss
from rmqctl.commands.kit.listing import Found, Wanted, list_command
from rmqctl.errors import Unavailable, missing_is_unavailable
from rmqctl.resources.parameters import GLOBAL_PARAMETERS, PARAMETERS
from rmqctl.result import Nothing
from rmqctl.session import Session

Component = Annotated[str, typer.Argument(metavar="COMPONENT", help="What it is for, such as shovel.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the parameter.")]
JsonValue = Annotated[str, typer.Argument(metavar="VALUE", help="The value as JSON.")]


def _parameters(client: Client, wanted: Wanted) -> Found:
    """All of them, operator policies included: the path of one virtual host exists for one component only."""
    rows = lists.fetch(client, "parameters", what="the parameters")
    if wanted.vhost is None:
        return Found(rows)
    here = [row for row in rows if row.get("vhost") == wanted.vhost]
    if not here:
        vhosts.check(client, wanted.vhost)
    return Found(here)


def _global_parameters(client: Client, _: Wanted) -> Found:
    return Found(lists.fetch(client, "global-parameters", what="the global parameters"))


list_parameters = list_command(PARAMETERS, _parameters, "List runtime parameters of a virtual host.")
list_global_parameters = list_command(
    GLOBAL_PARAMETERS, _global_parameters, "List global runtime parameters.", by_vhost=False
)


def set_parameter(
    session: Session, component: Component, name: Name, value: JsonValue, yes: Annotated[bool, Yes] = False
) -> Nothing:
    """Set a runtime parameter of a virtual host: PUT /api/parameters/COMPONENT/VHOST/NAME."""
    what = api.named(component, name, session.vhost)
    given = json_of(value, what)
    confirm_operator_policy(session, component, what, given, yes=yes, vhost=session.vhost)
    api.put(session.client, component, session.vhost, name, given)
    session.hint(f"{what}: set")
    return Nothing()


def clear_parameter(session: Session, component: Component, name: Name, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Delete a runtime parameter of a virtual host: DELETE /api/parameters/COMPONENT/VHOST/NAME."""
    what = api.named(component, name, session.vhost)
    if component == "policy":
        raise Unavailable(f"{what}: policies are no parameters; clear_policy deletes them")
    confirm_if_protected(session, f"clear {what}", yes=yes, vhost=session.vhost)
    with missing_is_unavailable():
        api.delete(session.client, component, session.vhost, name)
    session.hint(f"{what}: cleared")
    return Nothing()


def set_global_parameter(session: Session, name: Name, value: JsonValue) -> Nothing:
    """Set a runtime parameter of the cluster: PUT /api/global-parameters/NAME."""
    what = api.named_globally(name)
    api.put_globally(session.client, name, json_of(value, what))
    session.hint(f"{what}: set")
    return Nothing()


def clear_global_parameter(session: Session, name: Name, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Delete a runtime parameter of the cluster: DELETE /api/global-parameters/NAME."""
    what = api.named_globally(name)
    confirm_if_protected(session, f"clear {what}", yes=yes)
    with missing_is_unavailable():
        api.delete_globally(session.client, name)
    session.hint(f"{what}: cleared")
    return Nothing()


def confirm_operator_policy(
    session: Session, component: str, what: str, value: object, *, yes: bool, vhost: str
) -> None:
    """Operator policies are parameters, too: a protected context is asked as by set_operator_policy."""
    definition = value.get("definition") if isinstance(value, dict) else None
    if component == "operator_policy" and isinstance(definition, dict):
        confirm_loss(session, what, definition, yes=yes, vhost=vhost)


def json_of(text: str, what: str) -> Any:
    """The value of a JSON argument. Raises Unavailable, as rabbitmqctl's exit code has it."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise Unavailable(f"{what}: {text!r} is not JSON: {error}") from None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")
