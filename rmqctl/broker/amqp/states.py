"""The states of connections and channels, and what is allowed in which (AMQP 0-9-1 specification, sections 2.2.4 and 2.2.5).

What stands in no table is not allowed; `UNEXPECTED` says what becomes of a connection on which it comes all the same.
"""

from collections.abc import Mapping
from enum import Enum, auto

from pamqp import base, commands


class ConnectionState(Enum):
    HEADER = "header"
    """The protocol header is to come."""
    START = "start"
    """connection.start was sent."""
    TUNE = "tune"
    """connection.tune was sent."""
    OPENING = "opening"
    """The client has tuned; connection.open is to come."""
    RUNNING = "running"
    CLOSING = "closing"
    """One side has said connection.close: nothing counts any more but the end."""
    CLOSED = "closed"
    """The socket is to be closed as soon as everything has been sent."""


class ConnectionEvent(Enum):
    """What moves a connection from one state to another: what the client says, and what the broker does by itself."""

    PROTOCOL_HEADER = auto()
    START_OK = auto()
    TUNE_OK = auto()
    OPEN = auto()
    UPDATE_SECRET = auto()
    CLOSE = auto()
    CLOSE_OK = auto()
    FAILED = auto()
    """The broker has sent connection.close."""
    ENDED = auto()
    """The socket is gone, or there is nothing more to be said."""


_S, _E = ConnectionState, ConnectionEvent
_ANY_TIME = {_E.FAILED: _S.CLOSING, _E.ENDED: _S.CLOSED}
CONNECTION: Mapping[ConnectionState, Mapping[ConnectionEvent, ConnectionState]] = {
    _S.HEADER: {_E.PROTOCOL_HEADER: _S.START, **_ANY_TIME},
    _S.START: {_E.START_OK: _S.TUNE, **_ANY_TIME},
    _S.TUNE: {_E.TUNE_OK: _S.OPENING, **_ANY_TIME},
    _S.OPENING: {_E.OPEN: _S.RUNNING, _E.CLOSE: _S.CLOSING, **_ANY_TIME},
    _S.RUNNING: {_E.UPDATE_SECRET: _S.RUNNING, _E.CLOSE: _S.CLOSING, **_ANY_TIME},
    _S.CLOSING: {_E.CLOSE: _S.CLOSED, _E.CLOSE_OK: _S.CLOSED, _E.ENDED: _S.CLOSED},
    _S.CLOSED: {},
}


class Unexpected(Enum):
    """What RabbitMQ does about what is not allowed."""

    HANG_UP = auto()
    """It closes the socket without a word."""
    FAIL = auto()
    """It sends connection.close."""
    IGNORE = auto()


UNEXPECTED: Mapping[ConnectionState, Unexpected] = {
    _S.HEADER: Unexpected.HANG_UP,
    _S.START: Unexpected.HANG_UP,
    _S.TUNE: Unexpected.HANG_UP,
    _S.OPENING: Unexpected.FAIL,
    _S.RUNNING: Unexpected.FAIL,
    _S.CLOSING: Unexpected.IGNORE,
    _S.CLOSED: Unexpected.IGNORE,
}

EVENTS: Mapping[type[base.Frame], ConnectionEvent] = {
    commands.Connection.StartOk: _E.START_OK,
    commands.Connection.TuneOk: _E.TUNE_OK,
    commands.Connection.Open: _E.OPEN,
    commands.Connection.UpdateSecret: _E.UPDATE_SECRET,
    commands.Connection.Close: _E.CLOSE,
    commands.Connection.CloseOk: _E.CLOSE_OK,
}


class ChannelState(Enum):
    OPEN = auto()
    CLOSING = auto()
    """channel.close was sent: everything is ignored until its answer."""


class Mode(Enum):
    """What a channel is for publishers (sections 1.9.2 and, of RabbitMQ, confirm)."""

    PLAIN = ""
    CONFIRM = "confirm"
    TX = "tx"


MODES: Mapping[Mode, frozenset[Mode]] = {
    Mode.PLAIN: frozenset((Mode.CONFIRM, Mode.TX)),
    Mode.CONFIRM: frozenset((Mode.CONFIRM,)),
    Mode.TX: frozenset((Mode.TX,)),
}
"""From which a channel may be switched to which."""


class Expects(Enum):
    """What has to come next on a channel: a message is a method, a header and as many bodies as its size takes."""

    METHOD = auto()
    HEADER = auto()
    BODY = auto()
