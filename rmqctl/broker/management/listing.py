"""What every list understands: `columns`, `sort`, `sort_reverse`, `page`, `page_size`, `name` and `use_regex`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import merge
from typing import Any

from rmqctl.broker.core.fields import is_whole
from rmqctl.broker.core.patterns import BadPattern, compiled
from rmqctl.broker.management.documents import encoded
from rmqctl.broker.management.web import SLICE, Call, HttpError, Json, Row, Slices, bad_request

_PAGE_SIZE, _LARGEST_PAGE = 100, 500
_LONGEST_REGEX = 1024


def answer(
    call: Call, rows: Iterable[Row], *, default: Sequence[str] = ("vhost", "name"), pages: bool = True
) -> Slices:
    """The rows, sorted and trimmed; a page of them when one is asked for.

    In slices, so that a long list keeps nobody waiting: `rows` may be made one by one, of what was there at the start.
    """
    paged = pages and "page" in call.query
    number, size = _numbers(call) if paged else (1, 0)
    fits, key = _filter(call) if paged else _every, _key(call, default)
    total = 0
    chunks: list[list[tuple[Any, int, Any]]] = []
    chunk: list[tuple[Any, int, Any]] = []
    for total, row in enumerate(rows, 1):
        if fits(row):
            # What is written already takes less room than what is still to be written.
            chunk.append((key(row), total, row if paged else encoded(trimmed(call, row))))
        if total % SLICE == 0:
            chunks.append(sorted(chunk))
            chunk = []
            yield
    found: list[Any] = []
    for place, (_, _, each) in enumerate(merge(*chunks, sorted(chunk)), 1):
        found.append(each)
        if place % SLICE == 0:
            yield
    if _is_reversed(call):
        found.reverse()
    return _page(call, found, total, number, size) if paged else Json(b"[" + b",".join(found) + b"]")


def trimmed(call: Call, row: Row) -> Any:
    """With `columns`: only those; [] when the row has none of them, as RabbitMQ's encoder writes it."""
    if "columns" not in call.query:
        return row
    kept = _pick(row, [column.split(".") for column in call.query["columns"].split(",")])
    return kept or []


def wants(call: Call, *columns: str) -> bool:
    """Whether a row has to have one of these."""
    if "columns" not in call.query:
        return True
    asked = {column.partition(".")[0] for column in call.query["columns"].split(",")}
    return not asked.isdisjoint(columns) or call.query.get("sort", "").partition(".")[0] in columns


def ordered(call: Call, rows: Iterable[Row], default: Sequence[str]) -> list[Row]:
    found = sorted(rows, key=_key(call, default))
    return found[::-1] if _is_reversed(call) else found


def _key(call: Call, default: Sequence[str]) -> Callable[[Row], list[tuple[int, Any]]]:
    column = call.query.get("sort") or None
    keys = [*([column.split(".")] if column else []), *([name] for name in default)]
    return lambda row: [_rank(_dig(row, key)) for key in keys]


def _is_reversed(call: Call) -> bool:
    return bool(call.query.get("sort")) and call.query.get("sort_reverse") == "true"


def _page(call: Call, matching: Sequence[Row], total: int, number: int, size: int) -> Row:
    last = -(-len(matching) // size)
    if number > max(last, 1):
        raise HttpError(
            400, "page_out_of_range", f"Page out of range, page: {number} page size: {size}, len: {len(matching)}"
        )
    items = matching[(number - 1) * size : number * size]
    return {
        "filtered_count": len(matching),
        "item_count": len(items),
        "items": [trimmed(call, row) for row in items],
        "page": number,
        "page_count": last,
        "page_size": size,
        "total_count": total,
    }


def _numbers(call: Call) -> tuple[int, int]:
    page, size = call.query["page"], call.query.get("page_size")
    if not is_whole(page) or (size is not None and not is_whole(size)):
        raise bad_request("Pagination parameters are invalid")
    number, rows = int(page), int(size or _PAGE_SIZE)
    if number < 1 or not 0 < rows <= _LARGEST_PAGE:
        raise HttpError(
            400,
            "invalid_pagination_parameters",
            f"Invalid pagination parameters: page number {number}, page size {size or 'undefined'}",
        )
    return number, rows


def _every(_: Row) -> bool:
    return True


def _filter(call: Call) -> Callable[[Row], bool]:
    """Whether a row's name is one of those that are wanted."""
    name = call.query.get("name", "")
    if not name:
        return _every
    if not call.flag("use_regex"):
        return lambda row: name.lower() in str(row.get("name", "")).lower()
    if len(name) > _LONGEST_REGEX:
        raise HttpError(400, "invalid_pagination_parameters", "name filter regex is too long")
    try:
        pattern = compiled(name, ignore_case=True)
    except BadPattern:
        return lambda _: False
    return lambda row: pattern.found(str(row.get("name", "")))


def _pick(value: Any, columns: Sequence[Sequence[str]]) -> Any:
    """The parts that dotted columns name, through lists too."""
    if isinstance(value, list):
        return [_pick(each, columns) for each in value]
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for name, inner in value.items():
        below = [column[1:] for column in columns if column[0] == name]
        if not below:
            continue
        deeper = [column for column in below if column]
        kept[name] = _pick(inner, deeper) if len(deeper) == len(below) else inner
    return kept


def _dig(row: Any, key: Sequence[str]) -> Any:
    for name in key:
        row = row.get(name) if isinstance(row, Mapping) else None
    return row


def _rank(value: Any) -> tuple[int, Any]:
    """Erlang's order of terms: numbers, atoms, objects, lists, texts. What is missing counts as 0."""
    if value is None:
        return 0, 0
    if isinstance(value, bool):
        return 1, str(value)
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, Mapping):
        return 2, str(value)
    return (3, str(value)) if isinstance(value, list) else (4, str(value))
