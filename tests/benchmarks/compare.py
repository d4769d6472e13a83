"""Times rmqctl beside the other tools: whole processes, interleaved in one run, as ratios.

    python tests/benchmarks/compare.py startup                 `list_queues name messages_ready messages_unacknowledged`
    python tests/benchmarks/compare.py queues --queues 10000   the same for many queues, in a pipe and on a terminal

The broker is the 4.3 node of tests/brokers/up; rabbitmqadmin v1 and v2 take part when --admin1 and --admin2 name them.
Milliseconds differ from machine to machine and from minute to minute: only the ratios within one run say something.
"""

import argparse
import http.client
import json
import os
import random
import shlex
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

COLUMNS = ["name", "messages_ready", "messages_unacknowledged"]
VHOST = "benchmark"
ON_A_TERMINAL = "rmqctl on a terminal"
# (row, other row, most that row may take of the other): what rmqctl promises.
GOALS = {
    "startup": [
        ("rmqctl", "rabbitmqctl", 1 / 4.5),
        ("rmqctl", "import typer, httpx", 1.05),
        ("rmqctl", "rabbitmqadmin v1", 2.0),
    ],
    "queues": [
        ("rmqctl", "rabbitmqctl", 0.45),
        ("rmqctl", "rabbitmqadmin v2", 0.4),
        (ON_A_TERMINAL, "rmqctl", 1.1),
    ],
}


def nodes() -> dict[str, str]:
    """The variables that tests/brokers/up wrote."""
    base = Path(os.environ.get("RMQCTL_TEST_DIR", "/var/tmp/rmqctl-brokers"))
    return dict(line.split("=", 1) for line in (base / "env").read_text().splitlines() if "=" in line)


def api(url: str, method: str, path: str, body: object = None) -> None:
    parts = urlsplit(url)
    request = urllib.request.Request(f"http://{parts.hostname}:{parts.port}/api/{path}", method=method)
    request.add_header("Authorization", "Basic " + b64encode(f"{parts.username}:{parts.password}".encode()).decode())
    request.add_header("Content-Type", "application/json")
    urllib.request.urlopen(request, None if body is None else json.dumps(body).encode(), timeout=600).close()


def declare(url: str, count: int) -> None:
    api(url, "PUT", f"vhosts/{VHOST}", {})
    queues = [
        {"name": f"queue-{number:05}", "durable": True, "auto_delete": False, "arguments": {}}
        for number in range(count)
    ]
    api(url, "POST", f"definitions/{VHOST}", {"queues": queues})


def delete(url: str) -> None:
    """Asks again while the broker is at it: deleting many queues outlasts an HTTP connection."""
    while True:
        try:
            return api(url, "DELETE", f"vhosts/{VHOST}")
        except http.client.RemoteDisconnected:
            time.sleep(1)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise


def commands(kind: str, url: str, ctl: str, options: argparse.Namespace) -> dict[str, list[str]]:
    vhost = ["-p", VHOST] if kind == "queues" else []
    rmqctl = [*shlex.split(options.rmqctl), "--url", url, *vhost, "list_queues", *COLUMNS]
    parts = urlsplit(url)
    chosen = {"rmqctl": rmqctl, "rabbitmqctl": [ctl, *vhost, "list_queues", *COLUMNS]}
    if kind == "startup":
        chosen["import typer, httpx"] = [sys.executable, "-c", "import typer, httpx"]
        chosen["python -c pass"] = [sys.executable, "-c", "pass"]
    else:
        chosen[ON_A_TERMINAL] = [*rmqctl, "--no-pager"]
    if options.admin1:
        admin_vhost = ["-V", VHOST] if kind == "queues" else []
        chosen["rabbitmqadmin v1"] = [
            options.admin1,
            "-P",
            str(parts.port),
            *admin_vhost,
            "-f",
            "tsv",
            "list",
            "queues",
            *COLUMNS,
        ]
    if options.admin2:
        admin_vhost = ["-V", VHOST] if kind == "queues" else []
        chosen["rabbitmqadmin v2"] = [options.admin2, "-P", str(parts.port), *admin_vhost, "queues", "list"]
    return chosen


@contextmanager
def output(*, terminal: bool) -> Iterator[int]:
    """Where a command writes to: nowhere, or a terminal that shows it to nobody. To be handed over while it is open."""
    if not terminal:
        yield subprocess.DEVNULL
        return
    ours, theirs = os.openpty()
    threading.Thread(target=drain, args=(ours,), daemon=True).start()
    try:
        yield theirs
    finally:
        os.close(theirs)


def drain(terminal: int) -> None:
    with open(terminal, "rb", buffering=0) as shown, suppress(OSError):  # Linux fails when the other end has gone
        while shown.read(65536):
            pass


def measure(chosen: dict[str, list[str]], runs: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Seconds of each run, and the peak resident memory in kB, by row."""
    seconds: dict[str, list[float]] = {name: [] for name in chosen}
    memory: dict[str, int] = {}
    for _ in range(runs):
        # In an order of its own each time: what one leaves the broker to do is not always the same one's burden.
        for name, command in random.sample(list(chosen.items()), len(chosen)):
            with output(terminal=name == ON_A_TERMINAL) as stdout:
                started = time.perf_counter()
                process = subprocess.Popen(command, stdout=stdout)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds[name].append(time.perf_counter() - started)
            memory[name] = usage.ru_maxrss
            if process.returncode:
                raise SystemExit(f"{name} ended with {process.returncode}: {shlex.join(command)}")
    return seconds, memory


def report(kind: str, seconds: dict[str, list[float]], memory: dict[str, int]) -> bool:
    best = {name: min(times) for name, times in seconds.items()}
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    for name in seconds:
        ratio = middle[name] / middle["rmqctl"]
        print(
            f"{name:22} min {best[name] * 1e3:8.1f} ms  median {middle[name] * 1e3:8.1f} ms"
            f"  {ratio:5.2f} x rmqctl  {memory[name]:7} kB"
        )
    reached = True
    for row, other, most in GOALS[kind]:
        if row in middle and other in middle:
            ratio = middle[row] / middle[other]
            reached &= ratio <= most
            print(f"{row} / {other}: {ratio:.3f} (goal: at most {most:.3f}) {'reached' if ratio <= most else 'MISSED'}")
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=sorted(GOALS))
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--queues", type=int, default=10_000)
    parser.add_argument("--rmqctl", default="rmqctl", help="how to call it [rmqctl]")
    parser.add_argument("--admin1", help="rabbitmqadmin v1")
    parser.add_argument("--admin2", help="rabbitmqadmin v2")
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    options = parser.parse_args()
    known = nodes()
    url, ctl = known["RMQCTL_TEST_43_URL"], known["RMQCTL_TEST_43_BIN"] + "/rabbitmqctl"
    if options.kind == "queues":
        declare(url, options.queues)
    try:
        reached = report(options.kind, *measure(commands(options.kind, url, ctl, options), options.runs))
    finally:
        if options.kind == "queues":
            delete(url)
    return 0 if reached or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
