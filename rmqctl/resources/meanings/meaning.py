"""What a column means: a sentence, and what kind of value it has."""

from collections.abc import Mapping
from enum import Enum

from rmqctl.record import Record


class Kind(Enum):
    """The kind of a column's value, as help names it. An empty cell is possible in every column."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "true or false"
    LIST = "list"
    OBJECT = "object"
    ARGUMENTS = "arguments"
    ADDRESS = "address"
    VERSION = "protocol version"
    JSON = "JSON"
    ANY = "any"


class Meaning(Record):
    kind: Kind
    sentence: str


Meanings = Mapping[str, Meaning]


def meanings(kind: Kind, **sentences: str) -> dict[str, Meaning]:
    """The meanings of columns of one kind."""
    return {name: Meaning(kind, sentence) for name, sentence in sentences.items()}
