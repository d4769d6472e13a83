"""Feature flags: /api/feature-flags."""

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.errors import AccessRefused
from rmqctl.naming import named


def fetch(client: Client) -> list[lists.Row]:
    """GET /api/feature-flags. Raises AccessRefused on 3.x for all but administrators."""
    return lists.fetch(client, "feature-flags", what="the feature flags")


def known(client: Client) -> list[lists.Row] | None:
    """Those of `fetch` by name; None when the user may not see them."""
    try:
        return sorted(fetch(client), key=lambda flag: str(flag.get("name")))
    except AccessRefused:
        return None


def enable(client: Client, name: str) -> None:
    """PUT /api/feature-flags/NAME/enable. There is no way back."""
    client.request("PUT", path("feature-flags", name, "enable"), body={}, what=named("feature flag", name))
