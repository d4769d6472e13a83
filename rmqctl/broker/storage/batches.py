"""What is to be written: changes gathered until the next batch, so that what comes and goes in between is never written."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from rmqctl.broker.core.message import Entry
from rmqctl.broker.storage.database import ROW, Batch, Statement, definition_checksum, spell

# Where the vhost stands in the keys of definitions, None for those of no vhost.
_VHOST_AT: Mapping[str, int | None] = {"user": None, "global_parameter": None, "permission": 1, "topic_permission": 1}
_OF_USER = ("permission", "topic_permission")
Key = tuple[str, tuple[str, ...]]


class Numbers(NamedTuple):
    """Where to go on after a restart; `known` has the numbers of the definitions by kind and key."""

    next_definition: int = 1
    next_entry: int = 1
    known: Mapping[Key, int] = {}


class Changes:
    def __init__(self, numbers: Numbers) -> None:
        self._known = dict(numbers.known)
        self._next_definition = numbers.next_definition
        self._next_entry = numbers.next_entry
        self._statements: list[Statement] = []
        self._settled = 0
        """How many of the statements are to be written whatever happens."""
        self._before: list[tuple[Key, int | None]] = []
        """What was known of the others' definitions before them."""
        self._added: dict[int, ROW] = {}
        self._adopted: list[int] = []
        self._removed: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._added or self._removed or self._adopted or self._statements)

    def take(self, number: int) -> Batch:
        """All of it, as the batch of that number."""
        batch = Batch(number, self._statements, self._added, self._adopted, self._removed)
        self._statements, self._added, self._adopted, self._removed = [], {}, [], []
        self.settle_definitions()
        return batch

    def take_definitions(self) -> list[Statement]:
        """Those alone: they are not to wait for the batch."""
        statements, self._statements = self._statements, []
        return statements

    def put_back_definitions(self, statements: list[Statement]) -> None:
        """They could not be written: they go with the next batch."""
        self._statements = statements + self._statements

    def settle_definitions(self) -> None:
        """What was defined until now is written, or is to be."""
        self._settled = len(self._statements)
        self._before.clear()

    def revoke_definitions(self) -> None:
        """What was defined since is not to be."""
        del self._statements[self._settled :]
        while self._before:
            key, number = self._before.pop()
            if number is None:
                self._known.pop(key, None)
            else:
                self._known[key] = number

    # -------------------------------------------------------------------------------------------------------- messages

    def keep(self, entry: Entry, queue: int) -> None:
        """The first entry of a message has its body; the others refer to that one."""
        entry.stored = identity = self._next_entry
        self._next_entry += 1
        message = entry.message
        message.references += 1
        if message.stored:
            self._added[identity] = (identity, queue, message.stored, entry.expires, None, None, None, None)
            return
        message.stored = identity
        deaths = spell(message.deaths) if message.deaths else None
        route, header, body = message.route, message.header, message.body
        self._added[identity] = (identity, queue, None, entry.expires, route, header, body, deaths)

    def forget(self, entry: Entry) -> None:
        identity, entry.stored = entry.stored, 0
        message = entry.message
        message.references -= 1
        if identity == message.stored:
            if message.references:
                self._adopt(identity)
                return
            message.stored = 0
        elif not message.references:
            self._remove(message.stored)
            message.stored = 0
        self._remove(identity)

    def _remove(self, identity: int) -> None:
        if self._added.pop(identity, None) is None:
            self._removed.append(identity)

    def _adopt(self, identity: int) -> None:
        row = self._added.get(identity)
        if row is None:
            self._adopted.append(identity)
        else:
            self._added[identity] = (identity, 0, *row[2:])

    # ----------------------------------------------------------------------------------------------------- definitions

    def define(self, kind: str, key: tuple[str, ...], document: Mapping[str, Any] | None) -> int:
        """The definition's number; 0 when it is deleted, with what goes with a vhost or a user."""
        if document is None:
            gone = [(kind, key), *self._within(kind, key)]
            known = [(each, number) for each in gone if (number := self._known.pop(each, None)) is not None]
            self._before += known
            numbers = [number for _, number in known]
            self._statements += [("DELETE FROM definition WHERE number = ?", (number,)) for number in numbers]
            return 0
        number = self._known.get((kind, key))
        if number is None:
            self._before.append(((kind, key), None))
            number = self._known[kind, key] = self._next_definition
            self._next_definition += 1
        values = (number, kind, spell(key), spell(document))
        row = (*values, definition_checksum(*values))
        self._statements.append(("INSERT OR REPLACE INTO definition VALUES (?,?,?,?,?)", row))
        return number

    def _within(self, kind: str, key: tuple[str, ...]) -> list[Key]:
        if kind == "vhost":
            return [
                each
                for each in self._known
                if (at := _VHOST_AT.get(each[0], 0)) is not None and each[1][at : at + 1] == key
            ]
        return [each for each in self._known if each[0] in _OF_USER and each[1][:1] == key] if kind == "user" else []
