"""How long it takes to declare and delete many queues: `python tests/benchmarks/bulk.py URL [COUNT [ROUNDS [DELAY]]]`.

Three ways to delete, in turn: one request after another with a new connection each, one after another over one
connection, and `rmqctl delete queue --match`, the start of its process included. The best of the rounds is printed.
DELAY: the broker is so many milliseconds away, there and back, by a proxy in between.
"""

import asyncio
import base64
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from multiprocessing import Process, Queue
from urllib.parse import urlsplit

PREFIX = "benchmark-bulk-"
RMQCTL = (sys.executable, "-m", "rmqctl")


def rmqctl(url: str, *words: str, stdin: str = "") -> None:
    subprocess.run([*RMQCTL, "--url", url, *words], input=stdin, stdout=subprocess.DEVNULL, text=True, check=True)


def declare(url: str, names: Sequence[str]) -> None:
    lines = "".join(json.dumps({"kind": "queue", "name": name}) + "\n" for name in names)
    rmqctl(url, "declare", "-f", "-", "--yes", stdin=lines)


def declare_one_by_one(url: str, names: Sequence[str]) -> None:
    host, headers = _target(url)
    for name in names:
        target = f"http://{host}/api/queues/%2F/{name}"
        request = urllib.request.Request(target, b"{}", method="PUT", headers=headers)
        urllib.request.urlopen(request).close()


def new_connections(url: str, names: Sequence[str]) -> None:
    host, headers = _target(url)
    for name in names:
        target = f"http://{host}/api/queues/%2F/{name}"
        urllib.request.urlopen(urllib.request.Request(target, method="DELETE", headers=headers)).close()


def one_connection(url: str, names: Sequence[str]) -> None:
    host, headers = _target(url)
    connection = HTTPConnection(host)
    for name in names:
        connection.request("DELETE", f"/api/queues/%2F/{name}", headers=headers)
        connection.getresponse().read()
    connection.close()


def by_rmqctl(url: str, _: Sequence[str]) -> None:
    rmqctl(url, "delete", "queue", "--match", f"^{PREFIX}", "--yes")


def _target(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    log_in = f"{parts.username or 'guest'}:{parts.password or 'guest'}"
    return f"{parts.hostname}:{parts.port}", {"Authorization": "Basic " + base64.b64encode(log_in.encode()).decode()}


def seconds(work: Callable[[str, Sequence[str]], None], url: str, names: Sequence[str]) -> float:
    began = time.perf_counter()
    work(url, names)
    return time.perf_counter() - began


def proxy(host: str, port: int, delay: float, ports: "Queue[int]") -> None:
    """Listens on a port of its own; bytes arrive on the other side half of `delay` later, connections a whole one."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(1 << 16):
            loop.call_later(delay / 2, writer.write, data)
        loop.call_later(delay, writer.close)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(delay)
        there, back = await asyncio.open_connection(host, port)
        await asyncio.gather(pipe(reader, back), pipe(there, writer))

    async def serve() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def main(url: str, count: int = 1000, rounds: int = 3, delay: int = 0) -> None:
    if not delay:
        measure(url, count, rounds)
        return
    parts = urlsplit(url)
    ports: Queue[int] = Queue()
    between = Process(target=proxy, args=(parts.hostname, parts.port, delay / 1000, ports), daemon=True)
    between.start()
    measure(f"http://{parts.username or 'guest'}:{parts.password or 'guest'}@127.0.0.1:{ports.get()}", count, rounds)
    between.terminate()


def measure(url: str, count: int, rounds: int) -> None:
    names = [f"{PREFIX}{number}" for number in range(count)]
    deletes = {"new connection each": new_connections, "one connection": one_connection, "rmqctl delete": by_rmqctl}
    declares = {"one by one": declare_one_by_one, "rmqctl declare -f": declare}
    took: dict[str, list[float]] = {}
    for number in range(rounds):
        for at, (label, work) in enumerate(deletes.items()):
            how = list(declares)[(number + at) % 2]
            took.setdefault(how, []).append(seconds(declares[how], url, names))
            took.setdefault(label, []).append(seconds(work, url, names))
    slowest = min(took["new connection each"])
    for label in deletes:
        best = min(took[label])
        print(f"delete {count} queues, {label}: {best:.2f} s, {slowest / best:.1f} times as fast")
    for label in declares:
        print(f"declare {count} queues, {label}: {min(took[label]):.2f} s")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
