"""The bodies of requests: how much of them is in memory, and how long they may take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

SECONDS = 60.0
"""How long a client may take to send one."""
LARGEST = 20_000_000
"""Bytes of the largest one that is taken (RabbitMQ's management.max_http_body_size)."""
MOST_HELD = 5 * LARGEST
"""Bytes of all that are in memory at the same time."""


class BodyRefused(Exception):
    """The rest of it stays unread: the connection is of no use after the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Bodies:
    """Those of all requests of a broker. Both methods raise BodyRefused, and ClientDisconnect when nobody is there."""

    def __init__(self) -> None:
        self._held = 0

    @asynccontextmanager
    async def read(self, asked: Request) -> AsyncIterator[bytes | None]:
        """The whole body; None when it is too large, which is known once it has come and was not kept."""
        parts: list[bytes] = []
        size = 0
        try:
            async for part in _parts(asked, 2 * LARGEST):
                size += len(part)
                if size > LARGEST:
                    self._held -= sum(map(len, parts))
                    parts.clear()
                    continue
                self._held += len(part)
                parts.append(part)
                if self._held > MOST_HELD:
                    raise BodyRefused(503)
            yield b"".join(parts) if size <= LARGEST else None
        finally:
            self._held -= sum(map(len, parts))

    async def skip(self, asked: Request) -> None:
        """Reads it to the end, so that a client that sends before it reads gets its answer."""
        if "expect" in asked.headers:
            raise BodyRefused(417)
        async for _ in _parts(asked, LARGEST):
            pass


async def _parts(asked: Request, most: int) -> AsyncIterator[bytes]:
    """Its parts as they come, of at most so many bytes in sum."""
    size = 0
    try:
        async with asyncio.timeout(SECONDS):
            async for part in asked.stream():
                size += len(part)
                if size > most:
                    raise BodyRefused(413)
                yield part
    except TimeoutError:
        raise BodyRefused(408) from None
