"""An administrator of a broker that is killed: what was answered over HTTP is so, and what was not is as before, or as asked."""

import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

from tests.simulation.model import Violation

Thing = tuple[str, str]
"""What is asked for, as in a path, and a name."""
_BODIES = {
    "users": lambda value: {"password": "p", "tags": value},
    "vhosts": lambda value: {"description": value},
    "policies/%2F": lambda value: {"pattern": "^none$", "definition": {"max-length": 1}, "priority": int(value[1:])},
}
_LOGIN = "Basic " + b64encode(b"guest:guest").decode()
_NAMES = 5


class Office:
    """`data` is to be sent: one request at a time. Raises Violation."""

    def __init__(self, random: Random) -> None:
        self.data = b""
        self.seen: Counter[str] = Counter()
        self._random = random
        self._things: dict[Thing, str] = {}
        self._value = 0
        self._asked: tuple[Thing, str | None] | None = None
        """What is asked for, with its new value; None when it is to go."""
        self._heard = b""

    def connect(self) -> None:
        self.data = self._heard = b""
        self._asked = None

    def act(self) -> None:
        if self._asked is not None:
            return
        kind = self._random.choice(list(_BODIES))
        thing = kind, f"office{self._random.randrange(_NAMES)}"
        self._value += 1
        value = None if thing in self._things and self._random.random() < 0.4 else f"v{self._value}"
        self._asked = thing, value
        method = "DELETE" if value is None else "PUT"
        body = b"" if value is None else json.dumps(_BODIES[kind](value)).encode()
        head = f"{method} /api/{kind}/{thing[1]} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {_LOGIN}\r\n"
        self.data = f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body

    def hear(self, data: bytes) -> None:
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        size = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if not end or len(body) < int(size[1] if size else 0) or self._asked is None:
            return
        if not head.startswith(b"HTTP/1.1 20"):
            raise Violation(f"{self._asked} is answered with {head!r}")
        thing, value = self._asked
        if value is None:
            del self._things[thing]
        else:
            self._things[thing] = value
        self._asked, self._heard = None, b""
        self.seen["answers over HTTP"] += 1

    def restarted(self, definitions: Mapping[str, Any]) -> None:
        found = {
            **{("users", each["name"]): "".join(each["tags"]) for each in definitions["users"]},
            **{("vhosts", each["name"]): each["metadata"]["description"] for each in definitions["vhosts"]},
            **{("policies/%2F", each["name"]): f"v{each['priority']}" for each in definitions["policies"]},
        }
        del found["users", "guest"], found["vhosts", "/"]
        if self._asked is not None:
            thing, value = self._asked
            if found.get(thing) == value:
                self._things.pop(thing, None)
                self._things |= {thing: value} if value is not None else {}
        if found != self._things:
            raise Violation(f"there is {found}, and there should be {self._things}")
