"""The programs of the tutorials as processes, watched with rmqctl as a reader of the tutorials would."""

import pytest

from .brokers import Program, Target, eventually

WAITING = r"\[\*\] Waiting"
RECEIVED = r"\[x\] Received (.*)"
SENT_LOG = r"\[x\] (?!Sent)(.*)"


def worker(target: Target, name: str = "worker.py") -> Program:
    """A worker that is registered: what is sent from now on is shared with it."""
    before = len(consumers(target, "task_queue"))
    program = target.start(name)
    program.expect(WAITING)
    eventually(lambda: len(consumers(target, "task_queue")), lambda count: count == before + 1)
    return program


def consumers(target: Target, queue: str) -> list[list[str]]:
    rows = target.list("list_consumers", "queue_name", "ack_required", "prefetch_count")
    return [row for row in rows if row[0] == queue]


def private_messages(target: Target) -> list[str]:
    """How many messages there are in each of the queues that the broker has named."""
    return [
        messages for name, messages in target.list("list_queues", "name", "messages") if name.startswith("amq.gen-")
    ]


def bindings(target: Target, exchange: str) -> list[tuple[str, str]]:
    """Queue and routing key of the bindings of one exchange."""
    rows = target.list("list_bindings", "source_name", "destination_name", "destination_kind", "routing_key")
    return [(queue, key) for source, queue, kind, key in rows if source == exchange and kind == "queue"]


def listener(target: Target, name: str, exchange: str, *arguments: str, keys: int = 1) -> Program:
    """A receiver of logs with its bindings made."""
    before = len(bindings(target, exchange))
    program = target.start(name, *arguments)
    program.expect(WAITING)
    eventually(lambda: len(bindings(target, exchange)), lambda count: count == before + keys)
    return program


def texts(program: Program, pattern: str, count: int) -> list[str]:
    return [match[1] for match in program.expect(pattern, count)]


def types(target: Target) -> dict[str, str]:
    return {row[0]: row[1] for row in target.list("list_exchanges", "name", "type")}


def test_hello_world(target: Target) -> None:
    assert "[x] Sent 'Hello World!'" in target.run("send.py")
    target.awaits("hello", 1, 0)
    target.run("send.py")
    target.awaits("hello", 2, 0)
    receiver = target.start("receive.py")
    assert texts(receiver, RECEIVED, 2) == ["Hello World!"] * 2
    target.awaits("hello", 0, 0)
    # RabbitMQ's management plugin hears of a consumer a moment after the consumer has its messages.
    eventually(lambda: consumers(target, "hello"), [["hello", "false", "0"]].__eq__)
    assert ["hello", "true", "quorum"] in target.list("list_queues", "name", "durable", "type")


def test_two_workers_take_turns(target: Target) -> None:
    workers = [worker(target), worker(target)]
    assert consumers(target, "task_queue") == [["task_queue", "true", "1"]] * 2
    for number in range(6):
        target.run("new_task.py", f"task {number}")
        # One at a time, so that with no work in hand it is only their turn that decides.
        eventually(lambda: sum(len(w.found(r"\[x\] Done")) for w in workers), (number + 1).__eq__)
        target.awaits("task_queue", 0, 0)
    shares = [[match[1] for match in w.found(RECEIVED)] for w in workers]
    assert sorted(shares) == [["task 0", "task 2", "task 4"], ["task 1", "task 3", "task 5"]]


def test_a_busy_worker_gets_no_second_task(target: Target) -> None:
    workers = [worker(target), worker(target)]
    target.run("new_task.py", "long" + "." * 60)
    target.awaits("task_queue", 0, 1)
    for number in range(4):
        target.run("new_task.py", f"short {number}")
    busy, idle = sorted(workers, key=lambda w: not w.found(r"Received long"))
    assert texts(idle, RECEIVED, 4) == [f"short {number}" for number in range(4)]
    assert len(busy.found(RECEIVED)) == 1
    target.awaits("task_queue", 0, 1)
    # A second long task is the other's, and with both at work a third waits.
    target.run("new_task.py", "second" + "." * 60)
    idle.expect(r"Received second")
    target.run("new_task.py", "third")
    target.awaits("task_queue", 1, 2)


def test_the_task_of_a_killed_worker_goes_to_another(target: Target) -> None:
    first = worker(target)
    target.run("new_task.py", "unlucky" + "." * 60)
    first.expect(r"Received unlucky")
    target.awaits("task_queue", 0, 1)
    second = worker(target)
    first.kill()
    second.expect(r"Received unlucky")
    assert not second.found(r"Done")
    target.awaits("task_queue", 0, 1)
    eventually(lambda: len(consumers(target, "task_queue")), (1).__eq__)
    second.kill()
    target.awaits("task_queue", 1, 0)


def test_forgotten_acknowledgements_are_seen(target: Target) -> None:
    forgetful = worker(target, "forgetful_worker.py")
    for number in range(3):
        target.run("new_task.py", f"task {number}")
    forgetful.expect(RECEIVED, 3)
    target.awaits("task_queue", 0, 3)
    forgetful.kill()
    target.awaits("task_queue", 3, 0)
    careful = worker(target)
    careful.expect(r"\[x\] Done", 3)
    assert texts(careful, RECEIVED, 3) == ["task 0", "task 1", "task 2"]
    target.awaits("task_queue", 0, 0)


def test_fanout_reaches_every_listener(target: Target) -> None:
    listeners = [listener(target, "receive_logs.py", "logs") for _ in range(2)]
    assert types(target)["logs"] == "fanout"
    queues = [queue for queue, _key in bindings(target, "logs")]
    assert len(set(queues)) == 2
    assert all(queue.startswith("amq.gen-") for queue in queues)
    exclusive = {row[0]: row[1] for row in target.list("list_queues", "name", "exclusive")}
    assert [exclusive[queue] for queue in queues] == ["true", "true"]
    assert "[x] Sent info: all of you" in target.run("emit_log.py", "info:", "all", "of", "you")
    for each in listeners:
        assert texts(each, SENT_LOG, 1) == ["info: all of you"]
    listeners[0].kill()
    # Its queue goes with its connection.
    assert len(eventually(lambda: bindings(target, "logs"), lambda rows: len(rows) == 1)) == 1
    target.run("emit_log.py", "to the one that is left")
    assert texts(listeners[1], SENT_LOG, 2)[1] == "to the one that is left"


def test_logs_that_nobody_hears_are_lost(target: Target) -> None:
    target.run("emit_log.py", "lost")
    late = listener(target, "receive_logs.py", "logs")
    target.run("emit_log.py", "heard")
    assert texts(late, SENT_LOG, 1) == ["heard"]


def test_direct_routes_by_severity(target: Target) -> None:
    errors = listener(target, "receive_logs_direct.py", "direct_logs", "error")
    everything = listener(target, "receive_logs_direct.py", "direct_logs", "info", "warning", "error", keys=3)
    assert types(target)["direct_logs"] == "direct"
    assert sorted(key for _queue, key in bindings(target, "direct_logs")) == ["error", "error", "info", "warning"]
    for severity in ("info", "debug", "warning", "error"):
        target.run("emit_log_direct.py", severity, "a", severity)
    assert texts(everything, SENT_LOG, 3) == ["info:a info", "warning:a warning", "error:a error"]
    assert texts(errors, SENT_LOG, 1) == ["error:a error"]


TOPICS = ("kern.critical", "kern.info", "cron.critical", "a.b.c", "kern")
HEARD = {
    ("#",): TOPICS,
    ("kern.*",): ("kern.critical", "kern.info"),
    ("*.critical",): ("kern.critical", "cron.critical"),
    ("kern.*", "*.critical"): ("kern.critical", "kern.info", "cron.critical"),
    ("kern.#",): ("kern.critical", "kern.info", "kern"),
}


def test_topic_routes_by_pattern(target: Target) -> None:
    listeners = {
        patterns: listener(target, "receive_logs_topic.py", "topic_logs", *patterns, keys=len(patterns))
        for patterns in HEARD
    }
    assert types(target)["topic_logs"] == "topic"
    wanted = sorted(pattern for patterns in HEARD for pattern in patterns)
    assert sorted(key for _queue, key in bindings(target, "topic_logs")) == wanted
    for topic in (*TOPICS, "kern.end.critical", "kern.end"):
        target.run("emit_log_topic.py", topic, "said")
    # The last two tell that a listener has had all that it will get: each of them hears one.
    ends = {("#",): 2, ("kern.#",): 2, ("kern.*",): 1, ("*.critical",): 0, ("kern.*", "*.critical"): 1}
    for patterns, topics in HEARD.items():
        heard = texts(listeners[patterns], SENT_LOG, len(topics) + ends[patterns])
        assert [line.removesuffix(":said") for line in heard][: len(topics)] == list(topics), patterns
    eventually(lambda: private_messages(target), (["0"] * len(HEARD)).__eq__)
    assert len(listeners["*.critical",].found(SENT_LOG)) == 2


def test_headers_route_by_all_or_any(target: Target) -> None:
    both = listener(target, "receive_logs_headers.py", "headers_logs", "all", "format=pdf", "kind=report")
    either = listener(target, "receive_logs_headers.py", "headers_logs", "any", "format=pdf", "kind=report")
    assert types(target)["headers_logs"] == "headers"
    target.run("emit_log_headers.py", "only the kind", "format=zip", "kind=report")
    target.run("emit_log_headers.py", "neither", "format=zip")
    target.run("emit_log_headers.py", "both", "format=pdf", "kind=report", "more=yes")
    assert texts(either, SENT_LOG, 2) == ["only the kind", "both"]
    assert texts(both, SENT_LOG, 1) == ["both"]


def test_rpc(target: Target) -> None:
    server = target.start("rpc_server.py")
    server.expect(r"Awaiting RPC requests")
    eventually(lambda: len(consumers(target, "rpc_queue")), lambda count: count == 1)
    for number in (1, 2):
        assert "[.] Got 832040" in target.run("rpc_client.py")
        assert len(server.expect(r"\[\.\] fib\(30\)", number)) == number
    target.awaits("rpc_queue", 0, 0)


@pytest.mark.parametrize(("mode", "count"), [("one", 50), ("batch", 1000), ("async", 1000)])
def test_publisher_confirms(target: Target, mode: str, count: int) -> None:
    assert target.run("publisher_confirms.py", mode, str(count)).splitlines() == [f" [x] {count} confirmed"]
    target.awaits("confirmed", count, 0)
