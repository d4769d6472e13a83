"""Records what a broker answers to every probe: python -m tests.contract.amqp.record AMQP-URL [HTTP-URL] > FILE"""

import json
import sys
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from .client import Broker, Event, Registered, run
from .probes import PROBES

PROBES_AT_ONCE = 6
SILENCE = 0.8


def record(broker: Broker, probes: Iterable[Registered]) -> dict[str, list[Event]]:
    wanted = [each for each in probes if broker.http is not None or not each.needs_http]

    def outcome(probe: Registered) -> list[Event] | None:
        try:
            return run(probe, broker)
        except Exception:
            sys.stderr.write(f"{probe.title}\n{traceback.format_exc()}\n")
            return None

    with ThreadPoolExecutor(PROBES_AT_ONCE) as pool:
        outcomes = pool.map(outcome, wanted)
        return {each.title: events for each, events in zip(wanted, outcomes, strict=True) if events is not None}


def as_text(recorded: dict[str, list[Event]]) -> str:
    """One event a line, so that a difference is easy to read."""
    probes = []
    for title, events in sorted(recorded.items()):
        lines = ",\n".join("  " + json.dumps(each, sort_keys=True, ensure_ascii=False) for each in events)
        probes.append(f" {json.dumps(title)}: [\n{lines}\n ]" if lines else f" {json.dumps(title)}: []")
    return "{\n" + ",\n".join(probes) + "\n}\n"


if __name__ == "__main__":
    words = [each for each in sys.argv[3:]]
    chosen = [each for each in PROBES if not words or any(word in each.title for word in words)]
    http = sys.argv[2] if len(sys.argv) > 2 else None
    sys.stdout.write(as_text(record(Broker.from_url(sys.argv[1], http, SILENCE), chosen)))
