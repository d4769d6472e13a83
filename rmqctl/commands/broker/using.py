"""The context of the broker that was started here: `broker start --use` makes it the current one, `broker stop` removes it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from rmqctl import contexts
from rmqctl.contexts import Context
from rmqctl.errors import ConfigError, DataError, UsageError
from rmqctl.session import Session
from rmqctl.settings import resolve

NAME = "embedded"


def check(session: Session) -> None:
    """Raises ConfigError for a bad contexts file, and DataError when the name belongs to something else: nothing is started."""
    file = contexts.load(session.contexts_file, any_current=True)
    taken = file.contexts.get(NAME)
    if taken is not None and taken not in [_context(taken.url or "", log_in, log_in) for log_in in ("guest", None)]:
        raise DataError(
            f"{file.path}: context {NAME!r} was changed by hand: remove it, or add one of another name with rmqctl context add"
        )


def use(session: Session, state: Mapping[str, Any]) -> list[str]:
    """Makes the running broker's context, and makes it the current one. Returns what to say."""
    path = session.contexts_file
    before = contexts.load(path, any_current=True).current
    contexts.add(path, _context_of(state), replace=True)
    contexts.use(path, NAME)
    back = f"; `rmqctl context use {before}` goes back to {before!r}" if before not in (None, NAME) else ""
    lines = [f"context {NAME!r} is the current one: commands go to this broker until it is stopped{back}"]
    if not meets(session, state):
        lines.append("RMQCTL_... variables name another broker or context, and stand above it: unset them")
    return lines


def forget(session: Session, state: Mapping[str, Any]) -> list[str]:
    """Removes the context of a broker that was stopped. Returns what to say."""
    path = session.contexts_file
    try:
        file = contexts.load(path, any_current=True)
    except ConfigError:  # of no concern to who stops a broker
        return []
    if file.contexts.get(NAME) != _context_of(state):
        return []
    contexts.remove(path, NAME)
    others = sorted(set(file.contexts) - {NAME})
    ending = "; no context is current now" if file.current == NAME else ""
    choose = f": `rmqctl context use {others[0]}` chooses one" if ending and others else ""
    return [f"context {NAME!r} removed{ending}{choose}"]


def meets(session: Session, state: Mapping[str, Any]) -> bool:
    """Whether a command without connection options goes to this broker."""
    try:
        settings = resolve({}, session.environ, lambda: session.contexts_file)
    except (UsageError, ConfigError):
        return False
    found = [endpoint.url.replace("//localhost:", "//127.0.0.1:") for endpoint in settings.endpoints]
    return found == [_bare(state)]


def _context_of(state: Mapping[str, Any]) -> Context:
    """The log-in is guest's, unless it was changed: then there is none, and commands ask for it."""
    url = urlsplit(str(state.get("http")))
    password = None if url.password is None else unquote(url.password)
    return _context(_bare(state), url.username, password)


def _context(url: str, user: str | None, password: str | None) -> Context:
    return Context(NAME, url=url, user=user, password=password)


def _bare(state: Mapping[str, Any]) -> str:
    """The URL without its log-in."""
    url = urlsplit(str(state.get("http")))
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"
