"""How the broker answers methods, what it does when it refuses one, and how connections and channels end."""

from typing import Any

from pamqp import commands

from tests.simulation.client import Heard
from tests.simulation.declaring import Declaring, Refused, refuse
from tests.simulation.hearing import UNASKED
from tests.simulation.model import Channel, Connection, Queue, Violation


class Answering(Declaring):
    """The answer to a method comes before what queues send to the same connection because of it.

    So the answer is taken first (`listen`); what the model finds out then has to agree with it (`expect`).
    """

    _reply: Heard | None = None
    """To the method that is handled."""
    got_tag = 0
    """The delivery tag that get-ok has to have."""
    _listened = False
    """It is one that has to be answered first."""

    # --------------------------------------------------------------------------------------------- what has to be heard

    def listen(self, connection: Connection, name: str) -> None:
        """Takes the answer to the method that comes now; what was heard before it has happened before.

        The tag of get-ok comes before those of deliveries. What was acknowledged before counts for the method: nothing
        waits any more that could go, but in quorum queues when the method withdraws a consumer.
        """
        self._reply = self._front(connection)
        self._listened = True
        if self._reply is not None:
            connection.heard.popleft()
            if isinstance(self._reply.method, commands.Basic.GetOk):
                channel = connection.channels[self._reply.channel]
                self.got_tag = channel.deliveries = channel.deliveries + 1
            self._fails(connection, self._reply)
        for queue in self.queues.values():
            if queue.kind == "classic" or name not in _WITHDRAWING:
                self.nobody_waits(queue)

    def _front(self, connection: Connection) -> Heard | None:
        """What comes next that is an answer."""
        self.deliveries()
        if connection.heard and isinstance(connection.heard[0].method, commands.Basic.Deliver):
            self.late_deliveries()
        heard = connection.heard[0] if connection.heard else None
        return heard if heard is not None and type(heard.method).__name__ not in _UNASKED else None

    def _fails(self, connection: Connection, heard: Heard) -> None:
        """What queues have for channels that fail goes back to them without a word."""
        if isinstance(heard.method, commands.Connection.Close):
            self.failing = list(connection.channels.values())
        elif isinstance(heard.method, commands.Channel.Close):
            self.failing = [each for each in connection.channels.values() if each.number == heard.channel]
        self.deliveries()

    def listen_for_commit(self, channel: Channel) -> int:
        """That of a transaction with messages: when it fails, what others get comes after that it has failed.

        Returns what `not_refused` is to be told when it does not.
        """
        connection = channel.connection
        self.deliveries()
        for place, heard in enumerate(connection.heard):
            closes = isinstance(heard.method, commands.Channel.Close | commands.Connection.Close)
            if closes and (heard.method.class_id, heard.method.method_id) == _COMMIT:
                self._reply, self._listened = heard, True
                del connection.heard[place]
                self._fails(connection, heard)
                return len(connection.heard) - place
        return 0

    def not_refused(self, channel: Channel, behind: int) -> None:
        """The failure that was heard is that of another transaction."""
        heard = channel.connection.heard
        if self._reply is not None:
            heard.insert(max(len(heard) - behind, 0), self._reply)
        self._reply, self._listened, self.failing = None, False, []

    def expect(self, connection: Connection, channel: int, kind: type[Any], **fields: Any) -> Heard:
        connection.why = ""
        wanted = f"connection {connection.number} should hear {channel} {kind.name} {fields}"
        heard = self._reply
        if heard is not None and kind is not commands.Basic.Return:
            self._reply, self._listened = None, False
        elif self._listened and kind is not commands.Basic.Return:
            first = connection.heard[0] if connection.heard else None
            raise Violation(f"{wanted} first, and hears {first} ({connection.why})")
        else:
            self.deliveries()
            if connection.heard and isinstance(connection.heard[0].method, commands.Basic.Deliver):
                self.late_deliveries()
            heard = connection.heard.popleft() if connection.heard else None
        if heard is None or heard.channel != channel or not isinstance(heard.method, kind):
            raise Violation(f"{wanted}, and hears {heard} ({connection.why})")
        for name, value in fields.items():
            if getattr(heard.method, name) != value:
                raise Violation(f"{wanted}, and hears {heard}")
        return heard

    def refused_by_disk(self, heard: Heard | None) -> bool:
        """Whether the broker says that the disk does not take it, and has reason to."""
        closes = heard is not None and isinstance(heard.method, commands.Connection.Close)
        return closes and heard is not None and heard.method.reply_code == 541 and self.sight.trouble

    def fail(self, connection: Connection, number: int, refused: Refused) -> None:
        channel, self.failing = connection.channels.get(number), []
        if refused.hard or channel is None:
            self.expect(connection, 0, commands.Connection.Close, reply_code=refused.code)
            self.release_all(connection)
            connection.closing = True
        else:
            self.expect(connection, number, commands.Channel.Close, reply_code=refused.code)
            channel.closing = True
            self.release([channel])

    # ------------------------------------------------------------------------------------------------ coming and going

    def release_all(self, connection: Connection) -> None:
        """The connection ends, and all that belongs to it."""
        self.release([each for each in connection.channels.values() if not each.closing])
        for queue in list(connection.exclusive):
            self.remove_queue(queue)
        self.deliveries()
        connection.channels = {}

    def release(self, channels: list[Channel]) -> None:
        """They end: first no consumer of theirs takes anything, then what they had goes back, then others are served."""
        left: dict[Queue, None] = {}
        for channel in channels:
            channel.reply_tag = None
            channel.unconfirmed.clear()
            channel.committing.clear()
            channel.purging.clear()
            consumers, channel.consumers = channel.consumers, {}
            for consumer in consumers.values():
                if self.detach(consumer):
                    left[consumer.queue] = None
        for channel in channels:
            deliveries = sorted({**channel.unacked, **channel.settling()}.items())
            channel.unacked, channel.uncommitted = {}, []
            self.settle("requeue failed", deliveries, left=True)
        for queue in left:
            self.after_leaving(queue)

    def lost(self, connection: Connection) -> None:
        """The socket is gone."""
        self.acting = connection
        if not connection.over:
            if not connection.closing:
                self.release_all(connection)
            connection.over = True

    def open_channel(self, connection: Connection, channel: Channel | None, number: int) -> None:
        if channel is not None:
            refuse(504)
        limit = self.user_limits.get(connection.user, {}).get("max-channels", -1)
        used = sum(len(each.channels) for each in self.connections.values() if self.is_open(each, connection.user))
        if 0 <= limit <= used:
            refuse(530)
        connection.channels[number] = Channel(connection, number)
        self.expect(connection, number, commands.Channel.OpenOk)

    def is_open(self, connection: Connection, user: str | None = None) -> bool:
        here = connection.open and not connection.over and not connection.closing
        return here and (user is None or connection.user == user)

    def while_closing(self, channel: Channel, name: str) -> None:
        """The broker has closed the channel, and waits for the client's close-ok."""
        if name == "Channel.CloseOk":
            del channel.connection.channels[channel.number]
        elif name == "Channel.Close":
            self.expect(channel.connection, channel.number, commands.Channel.CloseOk)
        elif name == "Channel.Open":
            refuse(504)

    def just_closed(self, connection: Connection, number: int, name: str) -> None:
        """The client has closed the channel by the same piece of input: it is not taken at its word."""
        if name == "Channel.Close":
            self.expect(connection, number, commands.Channel.CloseOk)

    def close_channel(self, channel: Channel) -> None:
        self.expect(channel.connection, channel.number, commands.Channel.CloseOk)
        channel.connection.just_closed.add(channel.number)
        del channel.connection.channels[channel.number]
        self.release([channel])


_WITHDRAWING = ("Basic.Cancel", "Channel.Close")
_COMMIT = 90, 20
"""Class and method of tx.commit."""
_UNASKED = UNASKED - {"CommitOk"}
