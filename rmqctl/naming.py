"""Names in sentences: how an object is called there, and which one was meant by a name that nothing has."""

from collections.abc import Iterable


def named(noun: str, name: str, vhost: str | None = None) -> str:
    """An object in an error or a hint: queue 'q' in virtual host '/'. Without `vhost` it belongs to none."""
    return f"{noun} {name!r}" + (f" in virtual host {vhost!r}" if vhost is not None else "")


def closest(name: str, known: Iterable[str], alike: float = 0.6) -> str | None:
    """The known name that is most like this one; None when none is `alike` enough (1 is the same)."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=alike)), None)
