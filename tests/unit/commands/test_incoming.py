"""Messages that come: decoded, chosen and shown; what `tap` and `consume` refuse before they ask a broker."""

import gzip
import io
import json
import zlib
from functools import partial
from pathlib import Path

import pytest
from pika import BasicProperties
from pika.spec import Basic

from rmqctl.amqp.consuming import _Buffer
from rmqctl.amqp.delivery import Delivery
from rmqctl.commands.kit import decoding, incoming
from rmqctl.errors import UsageError
from rmqctl.render import render
from rmqctl.result import Nothing
from rmqctl.session import Session

from ..conftest import Broker, Terminal, run_with

TEXT = b'{"id": 7}'
RAW = zlib.compressobj(wbits=-15)
DEFLATED = RAW.compress(TEXT) + RAW.flush()


def delivery(body: bytes, key: str = "k", redelivered: bool = False, **properties: object) -> Delivery:
    got = Basic.Deliver("tag", 1, redelivered, "e", key)
    return Delivery(got, BasicProperties(**properties), body)


def decoded(body: bytes, how: str = "auto", **properties: object) -> decoding.Decoded:
    return decoding.decode(decoding.ways_of(how), BasicProperties(**properties), body)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("x-gzip", gzip.compress(TEXT[:3], mtime=0) + gzip.compress(TEXT[3:], mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("Deflate", DEFLATED),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT), mtime=0)),
    ],
)
def test_what_the_properties_say_is_undone(encoding: str, body: bytes) -> None:
    assert decoded(body, content_encoding=encoding) == decoding.Decoded(TEXT, unpacked=True)
    json_too = decoded(body, content_encoding=encoding, content_type="application/vnd.x+json; charset=utf-8")
    assert json_too == decoding.Decoded(TEXT, ({"id": 7},), unpacked=True)


def test_nothing_is_undone_that_was_not_asked_for() -> None:
    packed = gzip.compress(TEXT, mtime=0)
    assert decoding.decode((), BasicProperties(content_encoding="gzip"), packed) == decoding.Decoded(packed)
    assert decoded(TEXT, content_encoding="utf-8", content_type="text/plain") == decoding.Decoded(TEXT)
    assert decoded(packed, "gzip,json").json == ({"id": 7},)


@pytest.mark.parametrize(
    ("body", "how", "problem"),
    [
        (b"no gzip", "gzip", "gzip: "),
        (gzip.compress(TEXT, mtime=0)[:-3], "gzip", "gzip: it ends too early"),
        (b"\xff", "deflate", "deflate: "),
        (b"{", "json", "json: "),
        (b"\xff", "json", "json: "),
        (b"[1e999]", "json", "json: "),
        (b"[NaN]", "json", "json: NaN is no number in JSON"),
        (b"[" * 100_000, "json", "json: "),
        (b"9" * 10_000, "json", "json: "),
    ],
)
def test_what_is_damaged_stays_as_it_is(body: bytes, how: str, problem: str) -> None:
    found = decoded(body, how)
    assert (found.body, found.json, found.unpacked) == (body, None, False)
    assert found.problem.startswith(problem)


def test_an_encoding_that_nobody_knows() -> None:
    assert decoded(b"x", content_encoding="br").problem == "br: an unknown content encoding"
    with pytest.raises(UsageError, match="'br' is none of auto, gzip, deflate, json"):
        decoding.ways_of("auto,br")


def test_a_small_payload_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "LONGEST", 1 << 20)
    bomb = gzip.compress(bytes(1 << 20))
    assert len(decoded(bomb, "gzip").body) == 1 << 20
    for body in (gzip.compress(bytes((1 << 20) + 1), mtime=0), bomb + gzip.compress(b"x", mtime=0)):
        assert decoded(body, "gzip") == decoding.Decoded(body, problem="gzip: it grows beyond 1 MiB")


# shown


def shown(
    *messages: Delivery, terminal: bool = False, payload_only: bool = False, jsonl: bool = False, how: str | None = None
) -> tuple[str, str]:
    """What `messages` are on stdout and stderr."""
    stream = Terminal if terminal else io.StringIO
    stdout, stderr = stream(), stream()
    session = Session(stream(), stdout, stderr, {})
    show = incoming.shown(session, None, None, payload_only, jsonl, how)

    def parts():  # type: ignore[no-untyped-def]
        for message in messages:
            show.count += 1
            yield show.part(message, decoding.decode(show.ways, message.properties, message.body))

    assert render(session, show.live(parts(), Nothing)) == 0
    return stdout.getvalue(), stderr.getvalue()


def test_a_table_has_one_header() -> None:
    out, err = shown(delivery(b"1"), delivery(b"\xff", redelivered=True, headers={"n": 1}))
    assert out.splitlines() == [
        "exchange\trouting_key\tredelivered\tproperties\tpayload_bytes\tpayload_encoding\tpayload",
        "e\tk\tfalse\t{}\t1\tstring\t1",
        'e\tk\ttrue\t{"headers":{"n":1}}\t1\tbase64\t/w==',
    ]
    assert err == ""


def test_decoded_json_is_an_object_and_the_encoding_is_gone() -> None:
    message = delivery(gzip.compress(TEXT, mtime=0), content_encoding="gzip", content_type="application/json")
    row = json.loads(shown(message, jsonl=True, how="auto")[0])
    assert (row["payload"], row["payload_encoding"]) == ({"id": 7}, "json")
    assert row["properties"] == {"content_type": "application/json"}
    assert shown(message, how="auto")[0].endswith('json\t{"id":7}\n')
    assert shown(message, payload_only=True, how="gzip")[0] == '{"id": 7}\n'


def test_a_block_on_a_terminal_shows_what_would_deceive() -> None:
    death = {"queue": "q", "reason": "expired", "count": 2, "exchange": "", "routing-keys": ["q"]}
    headers = {"a\x1b[2J": "1\n── 9", "x-death": [death]}
    message = delivery(b"one\n\xe2\x94\x80\xe2\x94\x80 2  exchange\x1b[31m", key="a\nb", headers=headers)
    assert shown(message, terminal=True)[0].splitlines() == [
        "\x1b[36m── 1  exchange e  key a\\nb  27 bytes\x1b[0m",
        "headers.a\\x1b[2J  1\\n── 9",
        "died 2 times in queue q (expired), published to exchange (default) with key q",
        "  one",
        "  ── 2  exchange\\x1b[31m",
    ]


def test_what_could_not_be_decoded_is_told() -> None:
    out, err = shown(delivery(b"x", content_encoding="gzip\x1b[31m"), terminal=True, how="auto")
    assert "  x\n" in out
    assert " ".join(err.split()) == (
        "rmqctl: message 1 could not be decoded: gzip\\x1b[31m: an unknown content encoding"
    )


def test_where_sees_the_decoded_payload() -> None:
    where = incoming.selector("payload.id = 7 and headers.n > 3 and routing_key = k and payload_bytes = 9")
    assert where is not None
    message = delivery(TEXT, headers={"n": 4})
    assert where(incoming._fields(message, decoded(TEXT, "json")))
    assert not where(incoming._fields(message, decoded(TEXT, "gzip")))


def test_where_names_a_field_that_was_mistyped() -> None:
    ran = run_with("consume", "q", "--where", "routing_kee = k")
    assert (ran.exit, "'routing_key'" in ran.err) == (64, True), ran


# the rest


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Buffer, "MESSAGES", 3)
    monkeypatch.setattr(_Buffer, "BYTES", 10)
    tap, queue = _Buffer(bounded=True), _Buffer(bounded=False)
    for number in range(5):
        for buffer in (tap, queue):
            buffer.put(delivery(b"%d" % number))
    tap.put(delivery(b"123456789"))
    tap.end()
    queue.end()
    found = [[each.body for each in iter(partial(buffer.get, 0), None)] for buffer in (tap, queue)]
    assert found == [[b"4", b"123456789"], [b"0", b"1", b"2", b"3", b"4"]]
    assert (tap.dropped, queue.dropped) == (4, 0)


@pytest.mark.parametrize(
    "words",
    [
        ("consume", "q", "--exec", "true", "--jsonl"),
        ("consume", "q", "--on-failure", "reject"),
        ("consume", "q", "--jsonl", "--payload-only"),
        ("consume", "q", "--jsonl", "-f", "tsv"),
        ("consume", "q", "-f", "json"),
        ("consume", "q", "--decode", "br"),
        ("consume", "q", "--idle-timeout", "soon"),
        ("tap",),
        ("tap", ":q"),
        ("tap", "--key", "k"),
        ("tap", "e:k", "--header", "n"),
    ],
)
def test_wrong_words_make_no_request(words: tuple[str, ...]) -> None:
    broker = Broker({})
    ran = run_with(*words, broker=broker)
    assert (ran.exit, ran.out, broker.requests) == (64, "", []), ran


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("direct", "is of type direct, so keys are needed"),
        ("x-consistent-hash", "a tap would take it from the others"),
        (None, "may be of any type"),
    ],
)
def test_exchanges_that_need_more_words(kind: str | None, said: str) -> None:
    ran = run_with("tap", "e", broker=Broker({"GET /api/exchanges/%2F/e": {"type": kind}}))
    assert (ran.exit, said in ran.err) == (64, True), ran


def test_a_protected_context_asks_before_it_consumes() -> None:
    broker = Broker({"GET /api/queues/%2F/q": {"type": "classic"}})
    contexts = '[contexts.prod]\nurl = "http://prod.example:15672"\nprotected = true\n'
    ran = run_with("consume", "q", "--context", "prod", broker=broker, environ=_environ(contexts))
    assert (ran.exit, "--yes is needed" in ran.err) == (64, True), ran


def _environ(contexts: str) -> dict[str, str]:
    import os

    file = Path(os.environ["XDG_CONFIG_HOME"]) / "rmqctl" / "contexts.toml"
    file.parent.mkdir(parents=True)
    file.write_text(contexts)
    file.chmod(0o600)
    return {}
