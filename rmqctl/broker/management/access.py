"""Who may use a path: by the tags of the user, the permissions in a virtual host, and what belongs to whom.

Each of these raises HttpError. A virtual host or an object that does not exist is not theirs to report: that is done by
the handlers, once the user is let in.
"""

from collections.abc import Callable

from rmqctl.broker.management.connections import named_channel, named_connection
from rmqctl.broker.management.web import Call, HttpError, unauthorised

Access = Callable[[Call], None]


def public(_: Call) -> None:
    """Everybody, without logging in."""


def anyone(_: Call) -> None:
    """Every user with a management tag."""


def admin(call: Call) -> None:
    if not call.is_admin:
        raise unauthorised("Not administrator user")


def monitor(call: Call) -> None:
    if not call.is_monitor:
        raise unauthorised("Not monitor user")


def member(call: Call) -> None:
    """Who has permissions in the virtual host of the path, if there is one in it."""
    _check_vhost(call, exempt=call.is_admin)


def member_or_monitor(call: Call) -> None:
    _check_vhost(call, exempt=call.is_monitor)


def policymaker(call: Call) -> None:
    if not call.is_policymaker:
        raise _not_for_this_user()
    member(call)


def owner(call: Call) -> None:
    """The user of the path. Those with the tag monitoring look at everybody's, administrators delete it."""
    _check_owner(call, call["user"])


def owner_of_connection(call: Call) -> None:
    connection = named_connection(call)
    if connection is not None:
        _check_owner(call, connection.user.name)


def owner_of_channel(call: Call) -> None:
    channel = named_channel(call)
    if channel is not None:
        _check_owner(call, channel.user.name)


def admin_to_write(call: Call) -> None:
    if call.method != "GET":
        admin(call)


def admin_to_delete(call: Call) -> None:
    """Others with the tag monitoring look only."""
    (admin if call.method == "DELETE" else monitor)(call)


def _check_vhost(call: Call, *, exempt: bool) -> None:
    """To who has no permissions in it a virtual host is not there."""
    name = call.params.get("vhost")
    if name in call.broker.vhosts and not exempt and name not in call.user.permissions:
        raise HttpError(404, "not_found", "Not Found")


def _check_owner(call: Call, name: str) -> None:
    exempt = call.is_admin if call.method == "DELETE" else call.is_monitor
    if not exempt and name != call.user.name:
        raise _not_for_this_user()


def _not_for_this_user() -> HttpError:
    return unauthorised("User not authorised to access object")
