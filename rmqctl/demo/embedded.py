"""The embedded broker in a thread of this process: it starts at once, and surely ends with the process."""

import asyncio
import logging
import signal
import threading
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from rmqctl.broker.process.run import Options, Urls, serve
from rmqctl.broker.storage.data_folder import DataFolder

# What the broker and the world's clients would log, on standard error when nobody says otherwise: here it is no news.
for _name in ("rmqctl.broker", "uvicorn", "pika"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


class EmbeddedBroker:
    """A broker on this machine; port 0 is a free one. Without a data folder nothing is kept over a restart."""

    def __init__(self, data_dir: Path | None = None, amqp_port: int = 0, http_port: int = 0) -> None:
        self._folder = None if data_dir is None else DataFolder(data_dir)
        self.amqp_port = amqp_port
        self.http_port = http_port
        self.amqp_url = self.url = self.page = ""
        self._thread: threading.Thread
        self._loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Future[signal.Signals]
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def restart(self) -> None:
        """Stops it as SIGTERM does, and starts it again on the same ports."""
        self._stop()
        self._start()

    def _start(self) -> None:
        """Until it accepts connections. Raises what prevents that."""
        self._ready.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = self._loop.create_future()
        # What the demo's consumers forget stays forgotten, however long somebody looks at it.
        options = Options(
            amqp_port=self.amqp_port, http_port=self.http_port, folder=self._folder, consumer_timeout=None
        )
        await serve(options, self._listening, self._stopped)

    def _listening(self, urls: Urls) -> None:
        self.amqp_url, self.url = urls
        self.amqp_port = _port(urls.amqp)
        self.http_port = _port(urls.http)
        self.page = f"http://127.0.0.1:{self.http_port}/"
        self._ready.set()

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._request_stop)
            self._thread.join()

    def _request_stop(self) -> None:
        if not self._stopped.done():
            self._stopped.set_result(signal.SIGTERM)


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
