"""Sessions of rmqctl on the demo's broker, as the demo's own session would see them."""

import io
from collections.abc import Mapping

from rmqctl.api import tls
from rmqctl.api.over_httpx.transport import HttpTransport
from rmqctl.api.wire import Wire
from rmqctl.options import CONNECTION, GLOBAL_OPTIONS
from rmqctl.session import Session
from rmqctl.settings import Tls

_CONNECTION = {option.env for option in GLOBAL_OPTIONS if option.panel == CONNECTION and option.name != "timeout"}


class Screen(io.StringIO):
    """Gathers what is printed, and is a terminal when the real thing is: then rmqctl prints for one."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def transport() -> HttpTransport:
    """The way to the demo's broker, by no proxy. To be closed."""
    return HttpTransport(Wire(lambda: tls.context(Tls())))


def session_on(url: str, way: HttpTransport, session: Session, screen: Screen | None = None) -> Session:
    """A session whose commands go to the broker at `url`; its output goes to the screen when there is one."""
    environ = environ_with(url, session.environ)
    if screen is not None:
        return Session(io.StringIO(), screen, screen, environ | {"RMQCTL_PAGER": "false", "RMQCTL_QUIET": "true"}, way)
    streams = session.streams
    return Session(streams.stdin, streams.stdout, streams.stderr, environ, way)


def environ_with(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with this broker as the one that commands talk to, whatever it named before."""
    return {name: value for name, value in environ.items() if name not in _CONNECTION} | {"RMQCTL_URL": url}
