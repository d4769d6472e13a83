"""Forms with files, as browsers send them: `multipart/form-data` (RFC 7578)."""

import re
from collections.abc import Mapping

KIND = "multipart/form-data"
_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_NAME = re.compile(rb'^content-disposition:[^\r\n]*;\s*name=(?:"([^"\r\n]*)"|([^\s;"]+))', re.IGNORECASE | re.MULTILINE)


class NotAForm(ValueError):
    """What came is not what its content type says."""


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == KIND


def fields(content_type: str, body: bytes) -> Mapping[bytes, bytes]:
    """What each field of a form has; of several with one name, the last. Raises NotAForm."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise NotAForm("no boundary")
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + (boundary[1] or boundary[2]).encode())
    if not parts or not parts[-1].startswith(b"--"):
        raise NotAForm("it has no end")
    found = {}
    for part in parts[:-1]:
        head, separator, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not separator or name is None:
            raise NotAForm("a part has no name")
        found[name[1] or name[2] or b""] = content
    return found
