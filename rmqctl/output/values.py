"""How rabbitmqctl writes one cell: as text, as JSON, as an Erlang term.

Each way is a table from the cell's exact type to a function, because a list has many cells and few types.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rmqctl.terms import (
    Address,
    AmqpTable,
    Cell,
    ClientTable,
    ErlangMap,
    ErlangText,
    JsonText,
    Keywords,
    PolicyDefinition,
    Version,
)

compact: Callable[[object], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Compact JSON text, not escaping letters outside of ASCII."""


def json_text(value: object) -> str:
    """Compact JSON text as Erlang writes it: a float as `1.0e100`, where Python has `1e+100`."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(key)}:{json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return float_text(value) if isinstance(value, float) else compact(value)


# Pieces of Erlang syntax

_EXACT_INTEGERS = 2.0**53
"""From here on not every integer is a float, and Erlang writes the exponent."""


def float_text(number: float) -> str:
    """Erlang's shortest text of a float (`0.1`, `1.0`, `1.0e100`, `6.8e-7`): the exponent only where it is shorter."""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if not whole.isdecimal():  # inf and nan, which Erlang does not have
        return repr(number)
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if not digits:
        return "-0.0" if repr(number).startswith("-") else "0.0"
    plain = f"{digits[: max(point, 0)].ljust(point, '0') or '0'}.{'0' * -point}{digits[max(point, 0) :] or '0'}"
    scientific = f"{digits[0]}.{digits[1:] or '0'}e{point - 1}"
    use_exponent = abs(number) >= _EXACT_INTEGERS or len(scientific) < len(plain)
    return ("-" if number < 0 else "") + (scientific if use_exponent else plain)


_PRINTABLE = frozenset(map(chr, [*range(8, 14), 27, *range(32, 127), *range(160, 256)]))
"""The characters that Erlang takes for text when it has to guess what a list of integers is."""

_STRING_ESCAPES = str.maketrans(
    {
        "\b": r"\b",
        "\t": r"\t",
        "\n": r"\n",
        "\v": r"\v",
        "\f": r"\f",
        "\r": r"\r",
        "\x1b": r"\e",
        '"': r"\"",
        "\\": r"\\",
    }
)


def string(characters: str) -> str:
    """An Erlang string: quoted if it is all printable Latin-1, else the list of its code points."""
    if characters and _PRINTABLE.issuperset(characters):
        return f'"{characters.translate(_STRING_ESCAPES)}"'
    return f"[{','.join([str(ord(character)) for character in characters])}]"


def binary(characters: str) -> str:
    """An Erlang binary holding the text as UTF-8; its bytes as numbers when they are no readable text."""
    if not characters:
        return "<<>>"
    if characters.isascii() and _PRINTABLE.issuperset(characters):
        return f'<<"{characters.translate(_STRING_ESCAPES)}">>'
    if characters.isprintable():
        return f'<<"{characters.translate(_STRING_ESCAPES)}"/utf8>>'
    return f"<<{','.join(map(str, characters.encode('utf-8', 'surrogatepass')))}>>"


_PLAIN_ATOM = re.compile(r"[a-z][A-Za-z0-9_@]*")


def atom(name: str) -> str:
    """An Erlang atom, quoted when it has to be."""
    if _PLAIN_ATOM.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{''.join([_atom_character(character) for character in escaped])}'"


def _atom_character(character: str) -> str:
    return character if character.isprintable() else f"\\x{{{ord(character):x}}}"


# Text


def text(cell: Cell) -> str:
    """The cell as rabbitmqctl's table formatter prints it; nothing for a missing one."""
    return _TEXT.get(type(cell), str)(cell)


def _bool_text(cell: bool) -> str:
    return "true" if cell else "false"


def _keywords_text(cell: Keywords) -> str:
    return _pairs_text({atom(key): value for key, value in cell.items()})


def _pairs_text(cell: Mapping[str, object]) -> str:
    return "[" + ", ".join([f"{{{key}, {text(value)}}}" for key, value in cell.items()]) + "]"


def _policy_text(cell: PolicyDefinition) -> str:
    return _pairs_text({f'<<"{key}">>': value for key, value in cell.items()}) if cell else "#{}"


def _map_text(cell: Mapping[str, object]) -> str:
    return "#{" + ", ".join([f"{key} => {text(cell[key])}" for key in sorted(cell)]) + "}"


def _version_text(cell: Version) -> str:
    return f"{{{(', ' if len(cell) == 2 else ',').join(map(str, cell))}}}"


_TEXT: dict[type, Callable[[Any], str]] = {
    str: str,
    int: int.__repr__,
    bool: _bool_text,
    type(None): lambda _: "",
    float: float_text,
    list: lambda cell: f"[{', '.join(map(text, cell))}]",
    AmqpTable: lambda cell: _amqp_text(cell),
    ClientTable: lambda cell: _amqp_text(cell),
    Keywords: _keywords_text,
    PolicyDefinition: _policy_text,
    ErlangMap: _map_text,
    dict: _map_text,
    Version: _version_text,
    JsonText: lambda cell: json_text(cell.value),
}


# Text inside an AMQP table


def _amqp_text(value: object) -> str:
    return _AMQP_TEXT.get(type(value), str)(value)


def _amqp_table_text(table: Mapping[str, object]) -> str:
    return "[" + ",".join([f"{{{string(key)},{_amqp_text(value)}}}" for key, value in table.items()]) + "]"


def _amqp_array_text(array: list[object]) -> str:
    """A list, unless all its members are integers that could be characters: Erlang then takes it for a string."""
    codes = [value for value in array if type(value) is int and 0 <= value < 256]
    if array and len(codes) == len(array) and _PRINTABLE.issuperset(map(chr, codes)):
        return string("".join(map(chr, codes)))
    return f"[{','.join(map(_amqp_text, array))}]"


_AMQP_TEXT: dict[type, Callable[[Any], str]] = {
    str: string,
    int: int.__repr__,
    bool: _bool_text,
    type(None): lambda _: "undefined",
    float: float_text,
    list: _amqp_array_text,
    dict: _amqp_table_text,
    AmqpTable: _amqp_table_text,
    ClientTable: _amqp_table_text,
}


# JSON


def json_value(cell: Cell) -> object:
    """The cell as rabbitmqctl's JSON formatter has it, ready for a JSON encoder; "" for a missing one."""
    convert = _JSON.get(type(cell))
    return convert(cell) if convert else cell


def _object(cell: Mapping[str, object]) -> dict[str, object]:
    return {key: json_value(value) for key, value in cell.items()}


def address_parts(address: str) -> list[int] | str:
    """The numbers an IP address is made of: four bytes, or eight words. Anything else is left as it is."""
    if ":" in address:
        return _ipv6_parts(address)
    parts = address.split(".")
    return list(map(int, parts)) if len(parts) == 4 and all(map(str.isdecimal, parts)) else str(address)


def _ipv6_parts(address: str) -> list[int] | str:
    from ipaddress import IPv6Address  # rare, and not free to import

    try:
        packed = IPv6Address(address).packed
    except ValueError:
        return str(address)
    return [packed[index] << 8 | packed[index + 1] for index in range(0, 16, 2)]


def _amqp_triples(table: Mapping[str, object]) -> list[list[object]]:
    return [[key, *_amqp_typed(value)] for key, value in table.items()]


def _client_triples(table: Mapping[str, object]) -> list[list[object]]:
    return [
        [key, "signedint" if kind == "long" and _fits_32_bits(value) else kind, value]
        for key, kind, value in _amqp_triples(table)
    ]


def _fits_32_bits(value: object) -> bool:
    return isinstance(value, int) and -(2**31) <= value < 2**31


def _amqp_typed(value: object) -> tuple[str, object]:
    """The likeliest AMQP type of a value, and the value."""
    kind, convert = _AMQP_JSON.get(type(value), ("longstr", None))
    return kind, convert(value) if convert else value


def _amqp_array(array: list[object]) -> object:
    """An array as rabbitmqctl writes it: by type, of which each is kept once."""
    return dict(map(_amqp_typed, array)) if array else []


_AMQP_JSON: dict[type, tuple[str, Callable[[Any], object] | None]] = {
    bool: ("bool", None),
    int: ("long", None),
    float: ("double", None),
    list: ("array", _amqp_array),
    dict: ("table", _amqp_triples),
    type(None): ("void", lambda _: "undefined"),
}

_JSON: dict[type, Callable[[Any], object]] = {
    type(None): lambda _: "",
    list: lambda cell: list(map(json_value, cell)),
    dict: _object,
    AmqpTable: _amqp_triples,
    ClientTable: _client_triples,
    Keywords: lambda cell: _object(cell) or [],
    PolicyDefinition: _object,
    ErlangMap: _object,
    Address: address_parts,
    Version: list,
    JsonText: lambda cell: json_text(cell.value),
}


# Erlang terms


def erlang(cell: Cell) -> str:
    """The cell as an Erlang term: a string is a binary, but an atom inside a list (of tags, of nodes)."""
    return _ERLANG.get(type(cell), _binary_of)(cell)


def _binary_of(value: object) -> str:
    return binary(str(value))


def _erlang_list(terms: Iterable[str]) -> str:
    return f"[{','.join(terms)}]"


def _erlang_tuple(parts: list[int] | str | Version) -> str:
    return binary(parts) if isinstance(parts, str) else f"{{{','.join(map(str, parts))}}}"


def _atom_or_term(cell: Cell) -> str:
    return atom(cell) if type(cell) is str else erlang(cell)


def _erlang_map(cell: Mapping[str, object]) -> str:
    return "#{" + ",".join([f"{atom(key)} => {erlang(cell[key])}" for key in sorted(cell)]) + "}"


def _erlang_keywords(cell: Keywords) -> str:
    return _erlang_list(f"{{{atom(key)},{_atom_or_term(value)}}}" for key, value in cell.items())


def _erlang_policy(cell: PolicyDefinition) -> str:
    return _erlang_list(f"{{{binary(key)},{erlang(value)}}}" for key, value in cell.items()) if cell else "#{}"


def _erlang_table(table: Mapping[str, object]) -> str:
    return _erlang_list(f"{{{binary(key)},{_erlang_typed(value)}}}" for key, value in table.items())


def _erlang_array(array: list[object]) -> str:
    return _erlang_list(f"{{{_erlang_typed(value)}}}" for value in array)


def _erlang_typed(value: object) -> str:
    kind, _ = _AMQP_JSON.get(type(value), ("longstr", None))
    return f"{kind},{_ERLANG_AMQP.get(type(value), erlang)(value)}"


_ERLANG_AMQP: dict[type, Callable[[Any], str]] = {
    dict: _erlang_table,
    list: _erlang_array,
    type(None): lambda _: "undefined",
}

_ERLANG: dict[type, Callable[[Any], str]] = {
    str: binary,
    int: int.__repr__,
    bool: _bool_text,
    type(None): lambda _: "''",
    float: float_text,
    list: lambda cell: _erlang_list(map(_atom_or_term, cell)),
    AmqpTable: _erlang_table,
    ClientTable: _erlang_table,
    Keywords: _erlang_keywords,
    PolicyDefinition: _erlang_policy,
    ErlangMap: _erlang_map,
    ErlangText: lambda cell: cell.text,
    dict: _erlang_map,
    Address: lambda cell: _erlang_tuple(address_parts(cell)),
    Version: _erlang_tuple,
    JsonText: lambda cell: binary(json_text(cell.value)),
}
