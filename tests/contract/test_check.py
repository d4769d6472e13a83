"""check acks names those who forget, and nobody else: with live clients."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator

import pytest

from ..zoo.cage import Cage, Keeper, ignore
from ..zoo.rounds import Zoo, play, tallied
from .brokers import embedded, rmqctl
from .conftest import Place

VHOST = "check acks/\u00e9"
SECONDS_FOR_STATISTICS = 30


def test_a_round_of_the_zoo() -> None:
    """Its statistics are always new: there is nothing to wait for but the clients."""
    with embedded() as node:
        zoo = Zoo.of(node)
        seen = play(zoo, settling=8)
    wrong = [(each.animal.name, each.named) for each in tallied(zoo.animals(), [seen]) if not each.right]
    assert (wrong, seen.strays) == ([], [])


@pytest.fixture
def vhost(place: Place) -> Iterator[str]:
    assert rmqctl("declare", "vhost", VHOST, url=place.http).exit == 0
    assert rmqctl("set_permissions", "-p", VHOST, "guest", ".*", ".*", ".*", url=place.http).exit == 0
    yield VHOST
    assert rmqctl("delete", "vhost", VHOST, "--yes", url=place.http).exit == 0


@pytest.fixture
def stuck(place: Place, vhost: str) -> Iterator[None]:
    """A consumer that forgets a message of its queue, beside a queue that nobody consumes."""
    keeper = Keeper(place.amqp, vhost, threading.Event(), threading.Event())
    with Cage(keeper, "stuck").channel(1) as channel, Cage(keeper, "left").channel(2):
        Cage(keeper, "stuck").consume(channel, ignore, 1)
        _wait_for_statistics(place)
        yield


def _wait_for_statistics(place: Place) -> None:
    """Until the broker tells of a channel that it holds messages."""
    deadline = time.monotonic() + SECONDS_FOR_STATISTICS
    while time.monotonic() < deadline:
        rows = rmqctl("list_channels", "-p", VHOST, "messages_unacknowledged", "-f", "jsonl", url=place.http).text
        if any(json.loads(line)["messages_unacknowledged"] for line in rows.splitlines()):
            return
        time.sleep(0.5)
    pytest.fail(f"no channel holds a message after {SECONDS_FOR_STATISTICS} s")


def check(place: Place, *words: str) -> tuple[int, list[tuple[str, str]]]:
    """The exit code, and what was named as what."""
    ran = rmqctl("check", "acks", "-p", VHOST, "-f", "json", *words, url=place.http)
    with contextlib.suppress(ValueError):
        return ran.exit, [(each["kind"], each["queue"]) for each in json.loads(ran.text)["findings"]]
    pytest.fail(str(ran))


@pytest.mark.usefixtures("stuck")
def test_limits_and_filters(place: Place) -> None:
    assert check(place, "--for", "8") == (1, [("stuck", "stuck")])
    assert check(place, "--for", "0", "--critical", "1") == (2, [("stuck", "stuck")])
    assert check(place, "--for", "0", "--match", "^left$") == (0, [])
    assert check(place, "--for", "0", "--match", "^left$", "--strict") == (1, [("no consumer", "left")])


def test_it_could_not_tell(place: Place) -> None:
    ran = rmqctl("check", "acks", "-p", "nowhere at all", "--for", "0", url=place.http)
    assert (ran.exit, ran.text.startswith("acks UNKNOWN: ")) == (3, True), str(ran)


GHOST = """
{ok, Queue} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"VHOST"/utf8>>, queue, <<"ghost">>)),
Nobody = spawn(fun() -> timer:sleep(120000) end),
ok = element(1, rabbit_queue_type:consume(Queue, #{
    channel_pid => Nobody, consumer_tag => <<"ghost">>, no_ack => false, prefetch_count => 5, mode => {simple_prefetch, 5},
    limiter_pid => Nobody, limiter_active => false, exclusive_consume => false, args => [], ok_msg => undefined,
    acting_user => <<"guest">>
}, rabbit_queue_type:init())).
"""
"""A consumer of a process that is no channel. A queue gives up consumers whose channel ends, however that does: so it is made."""


def test_a_ghost(place: Place, vhost: str) -> None:
    if place.node is None:
        pytest.skip("only a node evaluates Erlang")
    with Cage(Keeper(place.amqp, vhost, threading.Event(), threading.Event()), "ghost").channel(3):
        made = place.node.ctl("eval", GHOST.replace("VHOST", vhost))
        assert made.exit == 0, str(made)
        found = check(place, "--for", "8")
        if not found[1]:  # it was not in the broker's list of consumers yet
            found = check(place, "--for", "8")
        assert found == (1, [("ghost", "ghost")])
