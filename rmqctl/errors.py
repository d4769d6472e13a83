"""The exceptions that reach the user, each with its exit code (rabbitmqctl's, which are those of sysexits.h).

    RmqctlError             70  a fault of rmqctl, or a failure of the broker's without a reason
    ├── UsageError          64  unknown command, option or column; wrong arguments; bad expression
    ├── DataError           65  the broker refused what was asked for, as a matter of content
    │   └── NotFound        65  no such vhost, queue, policy ...
    ├── NoSuchUser          67
    ├── Unavailable         69  the broker (or the feature) cannot serve this now
    │   ├── Unreachable     69  no connection: refused, name not known, reset, proxy
    │   │   ├── NotConnected 69 none was made, so that nothing was sent
    │   │   └── NotTheBroker 69 a proxy, or another server, answered in the broker's place
    │   ├── BrokenAnswer    69  the answer breaks off, or is not what the API promises
    │   ├── TlsFailed       69  the TLS handshake failed
    │   ├── CheckFailed     69  a health check answered no
    │   ├── NeedsNode       69  only rabbitmqctl on the node can do this
    │   └── NoPath          69  a name that no path of the HTTP API can hold
    ├── TimedOut            75
    ├── AccessRefused       77  wrong password, missing tag or permission, read-only context
    └── ConfigError         78  contexts file, password file, TLS files

An exception's text is one line for stderr: what was asked for, what went wrong, what to do next.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar


class RmqctlError(Exception):
    """Base of all errors shown to the user. `exit_code` is the process's exit status."""

    exit_code: ClassVar[int] = 70


class UsageError(RmqctlError):
    """The command line is wrong. `command` names the command whose --help would tell more ("" for the program)."""

    exit_code = 64


class DataError(RmqctlError):
    """The broker understood the request and refused its content (400, 412)."""

    exit_code = 65


class NotFound(DataError):
    """The object that was named does not exist (404)."""


class NoSuchUser(RmqctlError):
    """The user that was named does not exist (404 under /api/users)."""

    exit_code = 67


class Unavailable(RmqctlError):
    """The broker, or a feature of it, cannot serve the request."""

    exit_code = 69


class Unreachable(Unavailable):
    """No HTTP connection could be made, or it broke."""


class NotConnected(Unreachable):
    """No HTTP connection could be made: nothing was sent."""


class NotTheBroker(Unreachable):
    """Something in front of the broker, or in its place, answered: a proxy, a load balancer, another server."""


class BrokenAnswer(Unavailable):
    """The broker's answer breaks off, is endless, or is another kind of value than its API promises."""


class TlsFailed(Unavailable):
    """The TLS handshake failed: certificate not trusted, wrong host name, client certificate missing."""


class CheckFailed(Unavailable):
    """A health check was answered, and the answer is no."""


class NeedsNode(Unavailable):
    """The command exists in rabbitmqctl but the HTTP API has nothing for it."""


class NoPath(Unavailable):
    """The HTTP API has no path for a name that AMQP takes."""


class TimedOut(RmqctlError):
    """No answer within --timeout."""

    exit_code = 75


class AccessRefused(RmqctlError):
    """Credentials refused (401), tag or permission missing (401, 403), or a read-only context."""

    exit_code = 77


class ConfigError(RmqctlError):
    """A file that rmqctl reads for its settings is missing, unreadable, too open or wrong."""

    exit_code = 78


@contextmanager
def ending_as(kind: type[RmqctlError], *of: type[RmqctlError]) -> Iterator[None]:
    """Errors of exactly these types become errors of that kind, with its exit code."""
    try:
        yield
    except of as error:
        if type(error) not in of:
            raise
        raise kind(str(error)) from None


def missing_is_unavailable() -> AbstractContextManager[None]:
    """69 where ours is 65: so many of rabbitmqctl's commands end for an object that does not exist."""
    return ending_as(Unavailable, NotFound)
