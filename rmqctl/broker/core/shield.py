"""What has to reach its end whatever one object raises: a timer must not stop the others, nor a queue a client's leaving."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_LOG = logging.getLogger("rmqctl.broker")


@contextmanager
def shielded(what: str) -> Iterator[None]:
    """An error within ends there, with a line in the log: `what` could not be done. Where it came from is for debugging."""
    try:
        yield
    except Exception as error:
        _LOG.error("cannot %s: %s: %s", what, type(error).__name__, error, exc_info=_LOG.isEnabledFor(logging.DEBUG))
