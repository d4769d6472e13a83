"""Values that rabbitmqctl prints in Erlang's ways, as far as the HTTP API lets us know them.

A cell is None (the broker left it out), a bool, int, float or str, a list of cells (printed `[a, b]`), or one of these.
`output/values.py` says how each is written as text and as JSON, docs/rabbitmqctl.md what is lost on the way.
"""

from rmqctl.record import Record


class AmqpTable(dict[str, object]):
    """An AMQP field table, as in `arguments`: text `[{"key",value}]`, JSON `[["key","type",value]]`.

    The HTTP API drops the AMQP types and sorts the keys; the JSON types are the likeliest ones.
    """


class ClientTable(AmqpTable):
    """An AMQP field table that only clients write: most of them send whole numbers of 32 bits as such."""


class Keywords(dict[str, object]):
    """A keyword list with plain keys: text `[{key, value}]`, JSON an object."""


class PolicyDefinition(dict[str, object]):
    """An effective policy definition: text `[{<<"key">>, value}]`, `#{}` when empty; JSON an object."""


class ErlangMap(dict[str, object]):
    """A map with atom keys: text `#{key => value}` in key order, JSON an object."""


class ErlangText(dict[str, object]):
    """An object that the broker told as Erlang's text of it: JSON the object, Erlang that text."""

    text: str

    @classmethod
    def of(cls, members: dict[str, object], text: str) -> "ErlangText":
        made = cls(members)
        made.text = text
        return made


class Address(str):
    """An IP address: text as it stands, JSON the list of its parts (`[127,0,0,1]`)."""

    __slots__ = ()


class Version(tuple[int, ...]):
    """A protocol version: text `{0,9,1}`, or `{1, 0}` when it is a pair; JSON a list."""

    __slots__ = ()


class JsonText(Record):
    """Any value, printed as compact JSON text: a policy's `definition`, a parameter's `value`."""

    value: object


Cell = object
"""What a column yields for one object: see the module docstring."""
