"""Spoils conversations: some bits of a frame, its length, its type, its channel, its place; and how it comes in."""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from tests.fuzz.conversations import LETTERS, NUMBERS, Talk
from tests.fuzz.moves import ASK, GO, LOSE, SAY, STOP, WAIT, Move

_T = TypeVar("_T")
_SECONDS = (0.001, 0.5, 1.0, 5.0, 31.0, 61.0, 700.0, 2000.0, -5.0, -4000.0)
_SCENERY = 0.7
# What an administrator asks for besides.
_ASKED = (
    "DELETE queues/%2F/q1",
    "DELETE queues/%2F/q2",
    "DELETE queues/%2F/quorum",
    "DELETE queues/%2F/q1/contents",
    "DELETE exchanges/%2F/e1",
    "DELETE exchanges/%2F/e2",
    "DELETE connections/127.0.0.1%3A50002%20-%3E%20127.0.0.1%3A5672",
    "DELETE policies/%2F/p",
    "DELETE operator-policies/%2F/p",
    'PUT operator-policies/%2F/p {"pattern":"^[qe]","definition":{"max-length":1,"delivery-limit":0}}',
    'PUT vhosts/%2F {"tracing":true}',
    'PUT vhosts/%2F {"tracing":false}',
    'POST exchanges/%2F/e1/publish {"properties":{},"routing_key":"a.b.c","payload":"x","payload_encoding":"string"}',
    *(f"GET {each}" for each in ("queues", "channels", "consumers", "connections", "bindings", "definitions")),
    'POST queues/%2F/q1/get {"count":3,"ackmode":"ack_requeue_true","encoding":"auto"}',
    'POST queues/%2F/q2/get {"count":3,"ackmode":"reject_requeue_false","encoding":"base64"}',
    'POST queues/%2F/quorum/get {"count":3,"ackmode":"reject_requeue_true","encoding":"auto"}',
    *(
        f'PUT policies/%2F/p {{"pattern":"^[qe]","definition":{{{each}}}}}'
        for each in (
            '"max-length":1',
            '"message-ttl":0',
            '"message-ttl":100,"dead-letter-exchange":""',
            '"expires":1',
            '"dead-letter-exchange":"e1"',
            '"max-length-bytes":5,"overflow":"reject-publish"',
            '"alternate-exchange":"e1"',
            '"consumer-timeout":1000',
            '"delayed-retry-type":"all","delayed-retry-min":1000',
            '"delayed-retry-type":"failed","delayed-retry-min":10,"delayed-retry-max":100000',
        )
    ),
    'PUT embedded/alarms/memory {"on":true}',
    'PUT embedded/alarms/memory {"on":false}',
    'PUT embedded/alarms/disk {"on":true}',
)
_MUTATED = 0.75
# How many other clients there are.
_OTHERS = (0, 0, 1, 1, 2)


class _Chance(Random):
    def choice(self, options: Sequence[_T]) -> _T:  # type: ignore[override]
        """Faster, and as good here."""
        return options[int(self.random() * len(options))]


def conversation(seed: int, number: int, vhost: str = "/") -> list[Move]:
    """All that happens in one, of one client or of several at once: always the same for a seed and a number."""
    random = _Chance(f"{seed} {number}")
    clients = [Talk(random, vhost).conversation(scenery=random.random() < _SCENERY)]
    clients += [Talk(random, vhost).conversation() for _ in range(random.choice(_OTHERS))]
    for said in clients:
        if random.random() < _MUTATED:
            spoil(random, said)
    return _with_events(random, _interleaved(random, [_pieces(random, said) for said in clients]))


def spoil(random: Random, said: list[bytes]) -> None:
    """What one client says, frame by frame."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        if said:
            random.choice(_MUTATORS)(random, said)


def _pieces(random: Random, said: Sequence[bytes]) -> list[bytes]:
    """In which pieces it comes in."""
    chance = random.random()
    if chance < 0.35:
        return list(said)
    data = b"".join(said)
    if chance < 0.6 or not data:
        return [data]
    places = sorted(random.randrange(len(data)) for _ in range(random.randrange(1, 12)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def _interleaved(random: Random, clients: Sequence[list[bytes]]) -> list[Move]:
    places = [client for client, pieces in enumerate(clients) for _ in pieces]
    if random.random() < 0.8:
        random.shuffle(places)
    waiting = [iter(pieces) for pieces in clients]
    return [Move(SAY, client, next(waiting[client])) for client in places]


def _with_events(random: Random, moves: list[Move]) -> list[Move]:
    for _ in range(random.choice((0, 0, 1, 2))):
        client = random.choice((0, 0, 1, 2))
        event = random.choice(
            (
                Move(LOSE, client),
                Move(STOP, client),
                Move(GO, client),
                Move(WAIT, seconds=random.choice(_SECONDS)),
                Move(ASK, data=random.choice(_ASKED).encode()),
                Move(ASK, data=random.choice(_ASKED).encode()),
            )
        )
        moves.insert(random.randrange(len(moves) + 1), event)
    return moves


# ------------------------------------------------------------------------------------------------------------- mutators


def _at(random: Random, said: Sequence[bytes]) -> int:
    """Rather a frame after the handshake."""
    return random.randrange(min(len(said) - 1, 5) if random.random() < 0.8 else 0, len(said)) if said else 0


def _flip(random: Random, said: list[bytes]) -> None:
    at = _at(random, said)
    data = bytearray(said[at])
    for _ in range(random.choice((1, 1, 2, 8))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    said[at] = bytes(data)


def _overwrite(random: Random, said: list[bytes]) -> None:
    """With a number that is on the edge of something."""
    at = _at(random, said)
    size = random.choice((1, 2, 4, 8))
    number = (random.choice(NUMBERS) % 2 ** (8 * size)).to_bytes(size, "big")
    place = random.randrange(len(said[at]))
    said[at] = said[at][:place] + number + said[at][place + size :]


def _insert(random: Random, said: list[bytes]) -> None:
    at = _at(random, said)
    place = random.randrange(len(said[at]) + 1)
    said[at] = said[at][:place] + random.randbytes(random.choice((1, 1, 4, 100))) + said[at][place:]


def _delete(random: Random, said: list[bytes]) -> None:
    at = _at(random, said)
    place = random.randrange(len(said[at]))
    said[at] = said[at][:place] + said[at][place + random.choice((1, 1, 4, 100)) :]
    if not said[at]:
        del said[at]


def _spoil_inside(random: Random, said: list[bytes]) -> None:
    """The payload, and the frame's length says so: whoever cuts frames sees nothing."""
    at = _at(random, said)
    head, payload = said[at][:7], bytearray(said[at][7:-1])
    for _ in range(random.choice((1, 1, 2, 4))):
        place = random.randrange(len(payload) + 1)
        what = random.randrange(3)
        if what == 0 and place < len(payload):
            payload[place] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
        elif what == 1:
            payload[place:place] = random.randbytes(random.choice((1, 4)))
        else:
            del payload[place : place + random.choice((1, 4, 50))]
    said[at] = head[:3] + len(payload).to_bytes(4, "big") + bytes(payload) + b"\xce"


def _retype(random: Random, said: list[bytes]) -> None:
    """A byte that may be the type of a field becomes another."""
    at = _at(random, said)
    places = [place for place, byte in enumerate(said[at]) if byte in LETTERS and place > 6]
    if places:
        place = random.choice(places)
        said[at] = said[at][:place] + bytes((random.choice(LETTERS),)) + said[at][place + 1 :]


def _resize(random: Random, said: list[bytes]) -> None:
    """The frame's own length."""
    at = _at(random, said)
    said[at] = said[at][:3] + random.choice(NUMBERS[:13]).to_bytes(4, "big") + said[at][7:]


def _move_channel(random: Random, said: list[bytes]) -> None:
    at = _at(random, said)
    said[at] = said[at][:1] + random.choice((0, 1, 2, 3, 2047, 2048, 65535)).to_bytes(2, "big") + said[at][3:]


def _change_kind(random: Random, said: list[bytes]) -> None:
    at = _at(random, said)
    said[at] = bytes((random.choice((0, 1, 2, 3, 4, 8, 255)),)) + said[at][1:]


def _duplicate(random: Random, said: list[bytes]) -> None:
    at = _at(random, said)
    said[at:at] = [said[at]] * random.choice((1, 1, 3))


def _swap(random: Random, said: list[bytes]) -> None:
    first, second = _at(random, said), _at(random, said)
    said[first], said[second] = said[second], said[first]


def _drop(random: Random, said: list[bytes]) -> None:
    del said[_at(random, said)]


def _end_early(random: Random, said: list[bytes]) -> None:
    del said[_at(random, said) + 1 :]


def _splice(random: Random, said: list[bytes]) -> None:
    """With a part of another conversation."""
    other = Talk(random).conversation()
    start = random.randrange(len(other))
    at = _at(random, said)
    said[at:at] = other[start : start + random.randrange(1, 6)]


_Mutator = Callable[[Random, list[bytes]], None]
_MUTATORS: Sequence[_Mutator] = (
    *(_spoil_inside,) * 5,
    *(_retype,) * 3,
    _overwrite,
    _overwrite,
    _flip,
    _insert,
    _delete,
    _resize,
    _move_channel,
    _change_kind,
    _duplicate,
    _swap,
    _drop,
    _end_early,
    _splice,
    _splice,
)
