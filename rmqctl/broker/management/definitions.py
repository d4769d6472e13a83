"""`/api/definitions`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rmqctl.broker.core.definitions import export_definitions, import_definitions
from rmqctl.broker.management import forms
from rmqctl.broker.management.documents import MARK, NotJson, encoded, parse
from rmqctl.broker.management.web import SLICE, Answer, Call, Json, Row, Slices, bad_request

_REDIRECT = re.compile(rb"[!-~]+")
_NOTHING = b"no file"
"""It is no JSON."""
_TOKEN = re.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def export(call: Call) -> Slices:
    """With `?download=NAME` as a file of that name."""
    if "vhost" in call.params and call["vhost"] not in call.broker.vhosts:
        raise bad_request("vhost_not_found")
    vhost = call.vhost().name if "vhost" in call.params else None
    name = call.query.get("download")
    if name is not None and not _TOKEN.fullmatch(name):
        raise bad_request("download should be a name of a file without spaces and quotes")
    body = yield from _written(export_definitions(call.broker, vhost))
    return Json(body, {} if name is None else {"content-disposition": f"attachment; filename={name}"})


def _written(document: Row) -> Slices:
    """JSON, in slices: there may be many of everything."""
    pieces: list[bytes] = []
    for key, value in document.items():
        pieces.append(b'%b"%b":' % (b"," if pieces else b"{", key.encode()))
        if not isinstance(value, Iterator):
            pieces.append(encoded(value))
            continue
        pieces.append(b"[")
        for number, row in enumerate(value):
            pieces.append(b"," + encoded(row) if number else encoded(row))
            if (number + 1) % SLICE == 0:
                yield
        pieces.append(b"]")
    pieces.append(b"}")
    return b"".join(pieces)


def upload(call: Call) -> Any:
    """The body, or the field `file` of a form, which may say where its page goes on."""
    vhost = call.vhost().name if "vhost" in call.params else None
    content_type = call.headers.get("content-type", "")
    form = _form(content_type, call.body) if forms.is_form(content_type) else None
    document = _document(call.body if form is None else form.get(b"file", _NOTHING))
    target = None if form is None else form.get(b"redirect")
    if target is not None and not _REDIRECT.fullmatch(target):
        raise bad_request("redirect should be an address")
    try:
        import_definitions(call.broker, document, vhost, call.user)
    except ValueError as error:
        raise bad_request(str(error)) from None
    return None if target is None else Answer(303, text="", headers={"location": target.decode()})


def _form(content_type: str, body: bytes) -> Mapping[bytes, bytes]:
    try:
        return forms.fields(content_type, body)
    except forms.NotAForm as error:
        raise bad_request(f"not a form: {error}") from None


def _document(body: bytes) -> Row:
    try:
        document = parse(body.removeprefix(MARK)) if body else {}
    except NotJson:
        document = None
    if not isinstance(document, dict):
        raise bad_request("failed_to_parse_json")
    return document
