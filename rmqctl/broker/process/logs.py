"""Where the broker's log goes: to a stream, and to the exchange amq.rabbitmq.log of the default virtual host."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Iterator
from typing import Any

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.message import message
from rmqctl.broker.core.vhost import DEFAULT_VHOST, LOG

LOG_FORMAT = "%(asctime)s.%(msecs)03d %(levelname)s %(message)s"
LOG_TIME = "%Y-%m-%d %H:%M:%S"
# What ends a line, moves the cursor, turns the direction of text, or cannot be written.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class LogFormatter(logging.Formatter):
    """One line for a record, and indented ones for an error: names that clients choose cannot look like lines of the log."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = _escaped(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(f"    {_escaped(line)}" for line in super().formatException(ei).split("\n"))


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def log_to(stream: Any, level: str) -> None:
    """Has the broker log to a stream; `level`: debug, info, warning, error or none."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogFormatter(LOG_FORMAT, LOG_TIME))
    logging.basicConfig(handlers=[handler], level=level.upper() if level != "none" else logging.CRITICAL + 1)


@contextlib.contextmanager
def logging_to_exchange(broker: Broker) -> Iterator[None]:
    """On the loop that runs."""
    handler = _Exchange(broker)
    logger = logging.getLogger("rmqctl.broker")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Exchange(logging.Handler):
    """The routing key is the level. Records come from the thread that writes, too."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self.setFormatter(LogFormatter(LOG_FORMAT, LOG_TIME))
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._publishing = False

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._publish, record)

    def _publish(self, record: logging.LogRecord) -> None:
        """Not what publishing itself may log."""
        vhost = self._broker.vhosts.get(DEFAULT_VHOST)
        if self._publishing or vhost is None or LOG not in vhost.exchanges or not vhost.exchanges[LOG].bindings:
            return
        properties = {
            "content_type": "text/plain",
            "headers": {"node": self._broker.node.name},
            "timestamp": int(record.created),
        }
        self._publishing = True
        try:
            vhost.emit(message(LOG, record.levelname.lower(), self.format(record).encode(), properties))
        finally:
            self._publishing = False
