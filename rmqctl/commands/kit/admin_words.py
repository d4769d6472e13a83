"""rabbitmqadmin's words: `name=orders vhost=shop` where rmqctl has names and options."""

from collections.abc import Mapping, Sequence

from rmqctl.errors import UsageError
from rmqctl.session import Session

VHOST = "vhost"


def fields_of(session: Session, words: Sequence[str], *keys: str) -> tuple[Session, Mapping[str, str] | None]:
    """What rabbitmqadmin's words say, by key; None for words that are none of its. A `vhost` is that of the session returned.

    Raises UsageError for words that are partly names: they are never taken for more objects than were meant.
    """
    found = {
        key: value for key, equals, value in (word.partition("=") for word in words) if equals and key in (*keys, VHOST)
    }
    if not found:
        return session, None
    if len(found) != len(words) or keys[0] not in found:
        raise UsageError(f"{' '.join(words)}: either names, or {keys[0]}=... and nothing else but {VHOST}=...")
    if VHOST in found:
        session = session._replace(settings=session.settings._replace(vhost=found[VHOST]))
    return session, found


def names_of(session: Session, words: Sequence[str], key: str = "name") -> tuple[Session, Sequence[str]]:
    """The names that the words are, or the one of `name=NAME vhost=VHOST`."""
    session, found = fields_of(session, words, key)
    return session, words if found is None else [found[key]]
