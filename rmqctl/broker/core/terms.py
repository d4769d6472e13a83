"""Values as Erlang prints them: RabbitMQ's validators show what they refuse in this way."""

from collections.abc import Mapping
from typing import Any


def term(value: Any) -> str:
    """Texts as binaries."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'<<"{value}">>' if value else "<<>>"
    if isinstance(value, Mapping):
        return f"#{{{','.join(f'{term(name)} => {term(inner)}' for name, inner in sorted(value.items()))}}}"
    if isinstance(value, tuple):
        return f"{{{','.join(term(each) for each in value)}}}"
    if isinstance(value, list):
        return f"[{','.join(term(each) for each in value)}]"
    return "null" if value is None else str(value)
