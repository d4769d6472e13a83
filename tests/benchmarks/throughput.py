"""Messages per second of the embedded broker beside RabbitMQ's, with the same load program on the same machine.

    python tests/benchmarks/throughput.py amqp://guest:guest@127.0.0.1:5672 [--rounds N] [--check]

The URL is RabbitMQ's. The embedded broker is started with a data folder, its HTTP API and statistics on. In each round every
case runs on both, one after the other; medians are compared. --check: exit code 1 when a goal is missed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pika

SOURCE = Path(__file__).with_name("load.c")
Run = Callable[[str, int], float]
"""Messages per second on the broker at a port; the text is the path of the load program."""


def load(mode: str, size: int, count: int, kind: str, *more: str) -> Run:
    def run(program: str, port: int) -> float:
        argv = [program, "127.0.0.1", str(port), mode, str(size), str(count), kind, *more]
        return float(subprocess.run(argv, check=True, capture_output=True, timeout=300).stdout)

    return run


def side_by_side(pairs: int, size: int, count: int) -> Run:
    """So many publishers and as many consumers, each pair with a queue of its own."""

    def run(program: str, port: int) -> float:
        argv = [program, "127.0.0.1", str(port), "pipe", str(size), str(count), "transient"]
        running = [
            subprocess.Popen([*argv, f"rmqctl.load.{number}"], stdout=subprocess.PIPE) for number in range(pairs)
        ]
        return sum(float(each.communicate(timeout=300)[0]) for each in running)

    return run


def spread(exchange: str, keys: int, count: int) -> Run:
    return load("spread", 16, count, "transient", exchange, str(keys))


# Name, how to run it, and the least ratio to RabbitMQ's rate that is wanted.
CASES: tuple[tuple[str, Run, float], ...] = (
    ("publish and consume, 16 B", load("pipe", 16, 60_000, "transient"), 1),
    ("publish and consume, 1 KiB", load("pipe", 1024, 60_000, "transient"), 1),
    ("publish and consume, 64 KiB", load("pipe", 65536, 10_000, "transient"), 0.5),
    ("persistent, confirmed, 16 B", load("pipeconf", 16, 40_000, "persistent"), 1),
    ("persistent, confirmed, 1 KiB", load("pipeconf", 1024, 40_000, "persistent"), 1),
    ("persistent, confirmed, 64 KiB", load("pipeconf", 65536, 4_000, "persistent"), 0.5),
    ("100 connections, 50 queues, 16 B", side_by_side(50, 16, 1_500), 1),
    ("1,000 queues by a direct exchange", spread("rmqctl.load.direct", 1_000, 60_000), 1),
    ("10,000 bindings of a topic exchange", spread("rmqctl.load.topic", 10_000, 60_000), 1),
)


@contextmanager
def bound(port: int) -> Iterator[None]:
    """A direct exchange with a queue for each of 1,000 keys, and a topic exchange with 10,000 patterns for 10 queues.

    Queues keep 100 messages, so that what is measured is the way into them.
    """
    with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port)) as connection:
        channel = connection.channel()
        queues = [f"rmqctl.load.q{number}" for number in range(1000)]
        channel.exchange_declare("rmqctl.load.direct", "direct")
        channel.exchange_declare("rmqctl.load.topic", "topic")
        for number, queue in enumerate(queues):
            channel.queue_declare(queue, durable=True, arguments={"x-max-length": 100})
            channel.queue_bind(queue, "rmqctl.load.direct", f"k{number:05}")
        for number in range(10_000):
            channel.queue_bind(queues[number % 10], "rmqctl.load.topic", f"k{number:05}.#")
    yield
    with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port)) as connection:
        channel = connection.channel()
        for queue in (*queues, "rmqctl.load", *(f"rmqctl.load.{number}" for number in range(50))):
            channel.queue_delete(queue)
        channel.exchange_delete("rmqctl.load.direct")
        channel.exchange_delete("rmqctl.load.topic")


@contextmanager
def embedded(folder: Path) -> Iterator[int]:
    """Its AMQP port."""
    argv = [sys.executable, "-m", "rmqctl", "broker", "run", "--data-dir", str(folder)]
    broker = subprocess.Popen(
        [*argv, "--amqp-port", "0", "--http-port", "0", "--log-level", "none"], stdout=subprocess.PIPE, text=True
    )
    assert broker.stdout
    yield int(urlsplit(broker.stdout.readline().split()[0]).port or 0)
    broker.terminate()
    broker.wait(60)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="RabbitMQ")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    missed = []
    with tempfile.TemporaryDirectory() as name:
        program = str(Path(name) / "load")
        subprocess.run(["cc", "-O2", "-pthread", "-o", program, str(SOURCE)], check=True)
        real = urlsplit(options.url).port or 5672
        with embedded(Path(name) / "data") as ours, bound(ours), bound(real):
            print(f"{'':38} {'embedded':>9} {'RabbitMQ':>9}  ratio  (messages a second, load {os.getloadavg()[0]:.1f})")
            for title, run, goal in CASES:
                rates = [(run(program, ours), run(program, real)) for _ in range(options.rounds)]
                mine, theirs = (statistics.median(column) for column in zip(*rates, strict=True))
                print(f"{title:38} {mine:9.0f} {theirs:9.0f}  {mine / theirs:5.2f}", flush=True)
                if mine < goal * theirs:
                    missed.append(f"{title}: {mine / theirs:.2f} of RabbitMQ's rate, at least {goal:g} is wanted")
    print(*missed, sep="\n")
    return int(options.check and bool(missed))


if __name__ == "__main__":
    sys.exit(main())
