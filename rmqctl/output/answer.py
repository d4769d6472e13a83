"""A single answer (`Value`) as pairs, lines or one text: what the text formats have in common."""

from collections.abc import Iterator, Mapping

from rmqctl.output.values import compact
from rmqctl.result import Value


def plain(value: object) -> str:
    """JSON data as text: strings as they are, nothing for null, compact JSON for the rest."""
    if isinstance(value, str):
        return value
    return "" if value is None else compact(value)


def pairs(data: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """A mapping's keys and values; the keys of a mapping inside get its key and a dot in front."""
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            yield from pairs(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def fields(result: Value) -> list[tuple[str, str]] | None:
    """The answer as keys and texts, or None when it has a text of its own or is no mapping."""
    if result.text is not None or not isinstance(result.data, Mapping):
        return None
    return [(key, plain(value)) for key, value in pairs(result.data)]


def lines(result: Value) -> list[str]:
    """The answer that is no mapping: its own text, one line for each member of a list, or the value itself."""
    if result.text is not None:
        return [result.text]
    return list(map(plain, result.data)) if isinstance(result.data, list) else [plain(result.data)]
