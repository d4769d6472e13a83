"""`/api/definitions`."""

import re
from typing import Any

from rmqctl.broker.core.definitions import export_definitions, import_definitions
from rmqctl.broker.management.documents import MARK, NotJson, parse
from rmqctl.broker.management.web import Answer, Call, Row, bad_request

_TOKEN = re.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def export(call: Call) -> Any:
    """With `?download=NAME` as a file of that name."""
    if "vhost" in call.params and call["vhost"] not in call.broker.vhosts:
        raise bad_request("vhost_not_found")
    vhost = call.vhost().name if "vhost" in call.params else None
    document = export_definitions(call.broker, vhost)
    if "download" not in call.query:
        return document
    if not _TOKEN.fullmatch(call.query["download"]):
        raise bad_request("download should be a name of a file without spaces and quotes")
    return Answer(200, document, headers={"content-disposition": f"attachment; filename={call.query['download']}"})


def upload(call: Call) -> None:
    vhost = call.vhost().name if "vhost" in call.params else None
    document = _document(call.body)
    try:
        import_definitions(call.broker, document, vhost, call.user)
    except ValueError as error:
        raise bad_request(str(error)) from None


def _document(body: bytes) -> Row:
    try:
        document = parse(body.removeprefix(MARK)) if body else {}
    except NotJson:
        document = None
    if not isinstance(document, dict):
        raise bad_request("failed_to_parse_json")
    return document
