"""A program: bytes in use after 500 and after 1,000 rounds of `--watch`; `terminal` as its argument draws on one.

It runs in a process of its own: what is traced is the memory of all threads.
"""

import gc
import io
import itertools
import sys
import tracemalloc

import httpx

from rmqctl.cli import run
from rmqctl.session import Session

FIRST, LAST = 500, 1000


class Sink(io.StringIO):
    """Takes everything and keeps nothing."""

    terminal = False

    def write(self, text: str) -> int:
        return len(text)

    def isatty(self) -> bool:
        return self.terminal


class Measuring:
    """Stands for the sleep between two rounds, and presses Ctrl-C after the last."""

    def __init__(self) -> None:
        self.rounds = 0
        self.sizes: list[int] = []

    def __call__(self, _: float) -> None:
        self.rounds += 1
        if self.rounds == 1:
            tracemalloc.start()
        if self.rounds in (FIRST, LAST):
            gc.collect()
            self.sizes.append(tracemalloc.get_traced_memory()[0])
        if self.rounds == LAST:
            raise KeyboardInterrupt


def answering() -> httpx.MockTransport:
    """Other values in each round; every fiftieth cannot connect."""
    counts = itertools.count()

    def answer(_: httpx.Request) -> httpx.Response:
        number = next(counts)
        if number % 50 == 3:
            raise httpx.ConnectError("refused")
        rows = [{"name": f"{each + number % 3}", "messages": number * each} for each in range(4)]
        return httpx.Response(200, json=rows)

    return httpx.MockTransport(answer)


def main() -> None:
    session = Session(Sink(), Sink(), Sink(), {"TERM": "xterm"}, answering())
    session.streams.stdout.terminal = "terminal" in sys.argv  # type: ignore[attr-defined]
    measuring = Measuring()
    code = run(["list_vhosts", "name", "messages", "--watch", "0.1"], session._replace(sleep=measuring))
    print(code, *measuring.sizes)


if __name__ == "__main__":
    main()
