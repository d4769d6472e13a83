"""Commands about feature flags and deprecated features."""

from typing import Annotated

import typer

from rmqctl.api import feature_flags as api
from rmqctl.api import lists
from rmqctl.api.answering import needs_release
from rmqctl.api.client import Client
from rmqctl.commands.kit.arguments import Columns, Limit, Match, Sort, Where
from rmqctl.commands.kit.listing import Found, Selection, Wanted, list_command, lists_resource, run_listing
from rmqctl.errors import NotFound, UsageError
from rmqctl.resources.feature_flags import DEPRECATED_FEATURES, FEATURE_FLAGS
from rmqctl.result import Nothing, Rows
from rmqctl.session import Session


def _feature_flags(client: Client, _: Wanted) -> Found:
    return Found(api.fetch(client))


list_feature_flags = list_command(FEATURE_FLAGS, _feature_flags, "List feature flags.", by_vhost=False)


@lists_resource(DEPRECATED_FEATURES)
def list_deprecated_features(
    session: Session,
    columns: Columns = None,
    used: Annotated[bool, typer.Option("--used", help="Only those that are in use.")] = False,
    sort: Sort = None,
    where: Where = None,
    match: Match = None,
    limit: Limit = None,
) -> Rows:
    """List deprecated features (RabbitMQ 3.13 and later)."""

    def fetch(client: Client, _: Wanted) -> Found:
        try:
            return Found(lists.fetch(client, "deprecated-features", *(["used"] if used else [])))
        except NotFound:
            raise needs_release(client, "deprecated features", "3.13") from None

    return run_listing(session, DEPRECATED_FEATURES, fetch, Selection(columns, False, sort, where, limit, match))


def enable_feature_flag(
    session: Session,
    feature_flag: Annotated[str, typer.Argument(metavar="NAME|all", help="Name of the flag; all: every stable one.")],
    opt_in: Annotated[
        bool, typer.Option("--opt-in", "--experimental", help="Enable it even if it is experimental.")
    ] = False,
) -> Nothing:
    """Enable a feature flag: PUT /api/feature-flags/NAME/enable. There is no way back."""
    client = session.client
    known = {str(flag["name"]): flag for flag in api.fetch(client)}
    if feature_flag == "all":
        if opt_in:
            raise UsageError("enable_feature_flag: --opt-in goes with the name of one flag, not with all")
        chosen = [name for name, flag in known.items() if flag.get("stability") != "experimental"]
    else:
        chosen = [feature_flag]
        _check_flag(client, feature_flag, known.get(feature_flag), opt_in)
    for name in chosen:
        if known[name].get("state") != "enabled":
            api.enable(client, name)
            session.hint(f"feature flag {name!r} is enabled")
    return Nothing()


def _check_flag(client: Client, name: str, flag: lists.Row | None, opt_in: bool) -> None:
    if flag is None:
        raise UsageError(f"feature flag {name!r} is not known to the broker ({client.endpoint.url})")
    if flag.get("stability") == "experimental" and flag.get("state") != "enabled" and not opt_in:
        raise UsageError(f"feature flag {name!r} is experimental: --opt-in enables it, and nothing disables it again")
