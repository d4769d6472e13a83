"""Brokers in memory that pika's connections lead to."""

from typing import Any

import pika
import pytest

from .scripted import Blocking, Broker, Connection


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """A broker that pika's connections of callbacks lead to."""
    made = Broker()
    monkeypatch.setattr(pika, "SelectConnection", lambda *words, **more: Connection(made, *words, **more))
    monkeypatch.setattr("pika.adapters.select_connection.IOLoop", lambda: made.loop)
    return made


@pytest.fixture
def blocking(monkeypatch: pytest.MonkeyPatch) -> Blocking:
    """The connection that pika's blocking ones are."""
    made = Blocking()

    def connect(parameters: Any) -> Blocking:
        made.parameters = parameters
        if made.refuses is not None:
            raise made.refuses
        return made

    monkeypatch.setattr(pika, "BlockingConnection", connect)
    return made
