"""What goes together: with a queue or an exchange its bindings, with the last one of an auto-delete exchange that, too."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from rmqctl.broker.core.exchange import Binding, Destination, Exchange, Identity
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.routing import Router


class Going(NamedTuple):
    """Bindings with the exchanges that they start at; exchanges by their names."""

    bindings: dict[Identity, tuple[Exchange, Binding]]
    exchanges: dict[str, Exchange]


def going_with(router: Router, *ends: Queue | Exchange, bindings: Iterable[Binding] = ()) -> Going:
    """All that goes with these; nothing has changed yet."""
    going, lost = Going({}, {}), Counter[str]()
    waiting, loose = list(ends), list(bindings)
    while waiting or loose:
        if not loose:
            end = waiting.pop()
            loose += router.bindings_to(Destination("queue" if isinstance(end, Queue) else "exchange", end.name))
            if isinstance(end, Exchange):
                going.exchanges[end.name] = end
                loose += end.bindings.values()
            continue
        binding = loose.pop()
        source = router.exchanges.get(binding.source)
        # The default exchange's bindings are nowhere.
        if source is None or not source.name or binding.identity in going.bindings:
            continue
        going.bindings[binding.identity] = source, binding
        lost[source.name] += 1
        if source.auto_delete and lost[source.name] == len(source.bindings) and source.name not in going.exchanges:
            waiting.append(source)
    return going
