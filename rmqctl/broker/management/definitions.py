"""`/api/definitions`."""

from typing import Any
from urllib.parse import quote

from rmqctl.broker.core.definitions import export_definitions, import_definitions
from rmqctl.broker.management.web import Answer, Call, HttpError, Row, bad_request, parse_object


def export(call: Call) -> Any:
    """With `?download=NAME` as a file of that name."""
    if "vhost" in call.params and call["vhost"] not in call.broker.vhosts:
        raise bad_request("vhost_not_found")
    vhost = call.vhost().name if "vhost" in call.params else None
    document = export_definitions(call.broker, vhost)
    if "download" not in call.query:
        return document
    name = quote(call.query["download"], safe="")
    return Answer(200, document, headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"})


def upload(call: Call) -> None:
    vhost = call.vhost().name if "vhost" in call.params else None
    document = _document(call)
    try:
        import_definitions(call.broker, document, vhost)
    except ValueError as error:
        raise bad_request(str(error)) from None


def _document(call: Call) -> Row:
    try:
        return parse_object(call.body)
    except HttpError:
        raise bad_request("failed_to_parse_json") from None
