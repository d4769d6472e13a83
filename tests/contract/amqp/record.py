"""Records what a broker answers to every probe: python -m tests.contract.amqp.record AMQP-URL [HTTP-URL] > FILE

More arguments choose the probes that have one of them in their titles. With --unlike FILE before the addresses, only
the answers that differ from those in the file are written: that is how the answers of an older release are kept.
"""

import json
import sys
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .client import Broker, Event, Registered, run
from .probes import PROBES

PROBES_AT_ONCE = 9
SILENCE = 0.8
FAILED = "the probe failed"


def record(broker: Broker, probes: Iterable[Registered]) -> dict[str, list[Event]]:
    """The answers by the titles of the probes; those that need users are left out where there is no HTTP API."""

    def outcome(probe: Registered) -> list[Event]:
        try:
            return run(probe, broker)
        except Exception:
            return [[FAILED, traceback.format_exc()]]

    wanted = [each for each in probes if broker.http is not None or not each.needs_http]
    with ThreadPoolExecutor(PROBES_AT_ONCE) as pool:
        return dict(zip((each.title for each in wanted), pool.map(outcome, wanted), strict=True))


def as_text(recorded: dict[str, list[Event]]) -> str:
    """One event a line, so that a difference is easy to read."""
    probes = []
    for title, events in sorted(recorded.items()):
        lines = ",\n".join("  " + json.dumps(each, sort_keys=True, ensure_ascii=False) for each in events)
        probes.append(f" {json.dumps(title)}: [\n{lines}\n ]" if lines else f" {json.dumps(title)}: []")
    return "{\n" + ",\n".join(probes) + "\n}\n"


def main(arguments: list[str]) -> int:
    known: dict[str, list[Event]] = {}
    if arguments[0] == "--unlike":
        known = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
        arguments = arguments[2:]
    url, http, words = arguments[0], arguments[1] if len(arguments) > 1 else None, arguments[2:]
    chosen = [each for each in PROBES if not words or any(word in each.title for word in words)]
    recorded = record(Broker.from_url(url, http, SILENCE), chosen)
    sys.stdout.write(as_text({title: events for title, events in recorded.items() if events != known.get(title)}))
    failed = [f"{title}\n{events[0][1]}" for title, events in recorded.items() if events and events[0][0] == FAILED]
    sys.stderr.write("\n".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
