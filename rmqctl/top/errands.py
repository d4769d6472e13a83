"""Requests that a key starts, each in a thread: a broker that takes its time must not hold up the screen."""

import threading
from collections.abc import Callable
from typing import TypeVar

from textual.app import App
from textual.message import Message

from rmqctl.api.client import Client
from rmqctl.errors import RmqctlError
from rmqctl.top.poller import attempted

T = TypeVar("T")


class Errands(App[int]):
    class Back(Message):
        """What is to be done here with what an errand has brought."""

        def __init__(self, do: Callable[[], object]) -> None:
            super().__init__()
            self.do = do

    def _errand(
        self,
        client: Client,
        work: Callable[[], T],
        then: Callable[[T], object],
        otherwise: Callable[[RmqctlError], object],
    ) -> None:
        """Does the work in a thread, and calls `then` or `otherwise` back here."""

        def run() -> None:
            client.begin()
            answer = attempted(work)
            if isinstance(answer, RmqctlError):
                self.post_message(self.Back(lambda: otherwise(answer)))
            else:
                self.post_message(self.Back(lambda: then(answer)))

        threading.Thread(target=run, daemon=True).start()

    def on_errands_back(self, event: Back) -> None:
        event.do()
