"""The first screen as it is after a while, for where nobody presses a key."""

import asyncio
from collections.abc import Iterable

from rich.segment import Segment

from rmqctl.top.app import Surroundings, Top
from rmqctl.top.source import Source

Line = Iterable[Segment]
_PAUSE = 0.1


def taken(source: Source, size: tuple[int, int], patience: float) -> list[Line]:
    """The lines of the screen, when it shows who forgets acknowledgements, or at the end of `patience` seconds."""
    return asyncio.run(_taken(source, size, patience))


async def _taken(source: Source, size: tuple[int, int], patience: float) -> list[Line]:
    app = Top(source, 1.0, Surroundings())
    async with app.run_test(size=size) as pilot:
        for _ in range(round(patience / _PAUSE)):
            if app.shows_findings:
                break
            await pilot.pause(_PAUSE)
        return app.lines()
