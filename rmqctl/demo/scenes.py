"""The scenes, each a function that plays on a stage. The order is that of the tutorial."""

from collections.abc import Callable
from typing import NamedTuple

from rmqctl.demo.stage import Program, Stage

COUNTS = ("list_queues", "name", "messages_ready", "messages_unacknowledged")
WAITING = "[*] Waiting"
RECEIVED = "[x] Received"
DONE = "[x] Done"
WARNING = 1
"""The exit code of a check that warns."""


class Scene(NamedTuple):
    name: str
    title: str
    play: Callable[[Stage], None]


def hello(stage: Stage) -> None:
    stage.say("A program sends a message to a queue; the broker keeps it until another program takes it.")
    stage.program("send.py")
    stage.pause()
    stage.run("send.py")
    stage.say("Nobody has taken it yet, so the message is ready:")
    stage.rmqctl(*COUNTS)
    stage.program("receive.py")
    stage.pause()
    receiver = stage.start("receive.py")
    receiver.wait_for(RECEIVED)
    _until_counts(stage, "hello", 0, 0)
    stage.rmqctl(*COUNTS)


def round_robin(stage: Stage) -> None:
    stage.say(
        "Several workers share a queue: the broker gives each message to one of them, to one after the other. A worker"
        " acknowledges a message when the work is done; until then the message counts as unacknowledged."
    )
    stage.program("worker.py")
    stage.pause()
    workers = _workers(stage, "worker.py", 2)
    stage.run("new_task.py", "task 1.", "task 2.", "task 3.", "task 4.")
    for worker in workers:
        worker.wait_for(DONE, 2)
    _until_counts(stage, "task_queue", 0, 0)
    stage.say("Each worker got every second task. Both are consumers that have to acknowledge:")
    stage.rmqctl("list_consumers", "queue_name", "ack_required", "prefetch_count", "active")


def dying_worker(stage: Stage) -> None:
    stage.say(
        "What becomes of a task when its worker dies half way? Worker 1 gets a long task, and is killed meanwhile."
    )
    stage.program("worker.py")
    stage.pause()
    (first,) = _workers(stage, "worker.py", 1)
    stage.run("new_task.py", f"a long task{'.' * 25}")
    first.wait_for(RECEIVED)
    _until_counts(stage, "task_queue", 0, 1)
    stage.rmqctl(*COUNTS)
    stage.kill(first)
    _until_counts(stage, "task_queue", 1, 0)
    stage.say("It had not acknowledged the task, so the broker has put it back:")
    stage.rmqctl(*COUNTS)
    stage.pause()
    second = stage.start("worker.py", label="worker 2")
    second.wait_for("again")
    stage.say("Worker 2 has it now, marked as redelivered: nothing was lost.")


def forgotten_acks(stage: Stage) -> None:
    stage.say(
        "The easiest mistake: the worker forgets to acknowledge. Everything seems to work, but the broker has to keep every"
        " message, and hands them all out again when the worker ends."
    )
    stage.program("worker_forgets.py")
    stage.pause()
    (worker,) = _workers(stage, "worker_forgets.py", 1)
    stage.run("new_task.py", "task 1.", "task 2.", "task 3.")
    worker.wait_for(DONE, 3)
    stage.say("All done, it says. But messages_unacknowledged tells another story:")
    _until_counts(stage, "task_queue", 0, 3)
    stage.rmqctl(*COUNTS)
    stage.say("Which channel holds them?")
    stage.rmqctl("list_channels", "name", "consumer_count", "messages_unacknowledged")
    stage.pause()
    stage.say(
        "check acks compares two samples: it names who forgets, since when, and what to do. Its exit code is for monitoring."
    )
    stage.rmqctl("check", "acks", "--for", "2s", code=WARNING)
    stage.pause()
    stage.say("who lists everybody who uses the queue:")
    stage.rmqctl("who", "task_queue")
    stage.pause()
    stage.say("top shows the broker live, and who forgets in red. This is a picture of it:")
    stage.top()
    stage.pause()
    stage.kill(worker)
    _until_counts(stage, "task_queue", 3, 0)
    stage.say("When the worker is gone, its messages are ready again, for the next one to do them a second time:")
    stage.rmqctl(*COUNTS)


def durability(stage: Stage) -> None:
    stage.say(
        "What survives a restart of the broker: queues that are durable, and in them the messages that are persistent. The"
        " queue here is durable, and gets one message of each kind."
    )
    stage.program("send_durably.py")
    stage.pause()
    stage.run("send_durably.py")
    stage.rmqctl("list_queues", "name", "durable", "messages_ready")
    stage.say("Now the broker is stopped and started again, with the same data folder.")
    stage.pause()
    stage.broker.restart()
    _until_counts(stage, "task_queue", 1, 0)
    stage.rmqctl("list_queues", "name", "durable", "messages_ready")
    stage.say("The persistent message is still there, the transient one is gone.")


def fair_dispatch(stage: Stage) -> None:
    stage.say(
        "Round robin does not look at who is busy: when every other task is heavy, one worker gets all of the heavy ones."
        " With a prefetch count of 1 a worker gets its next task only after it has acknowledged the last."
    )
    stage.program("worker_fair.py")
    stage.pause()
    workers = _workers(stage, "worker_fair.py", 2)
    stage.run("new_task.py", "heavy.....", "light.", "light.", "light.", "light.")
    for number, worker in ((1, workers[0]), (4, workers[1])):
        worker.wait_for(DONE, number)
    _until_counts(stage, "task_queue", 0, 0)
    stage.say("One worker had the heavy task, and the other did the four light ones in the meantime.")
    stage.rmqctl("list_consumers", "queue_name", "ack_required", "prefetch_count")


def publish_subscribe(stage: Stage) -> None:
    stage.say(
        "A fanout exchange gives a copy of each message to every queue that is bound to it. Each receiver makes an exclusive"
        " queue of its own, which goes away with it."
    )
    stage.program("receive_logs.py")
    stage.pause()
    terminals = [_receiver(stage, "receive_logs.py", label=f"terminal {number}") for number in (1, 2)]
    stage.run("emit_log.py", "info: user logged in")
    stage.wait_for_all(terminals, "info: user logged in")
    stage.say("Both have seen it. The bindings tell why:")
    stage.rmqctl("list_bindings", "source_name", "destination_name", "--where", "source_name = logs")
    stage.say("A message that is sent when no queue is bound is gone: nobody asked for it.")


def routing(stage: Stage) -> None:
    stage.say(
        "A binding has a key. A direct exchange compares it with the routing key of the message; in a topic exchange * stands"
        " for one word of the key and # for any number of them."
    )
    stage.program("receive_logs_direct.py")
    stage.pause()
    errors = _receiver(stage, "receive_logs_direct.py", "error", label="errors")
    everything = _receiver(stage, "receive_logs_direct.py", "info", "warning", "error", label="all")
    kernel = _receiver(stage, "receive_logs_topic.py", "kern.*", label="kern.*")
    critical = _receiver(stage, "receive_logs_topic.py", "*.critical", label="*.critical")
    stage.run("emit_log_direct.py", "info", "job started")
    stage.run("emit_log_direct.py", "error", "disk is full")
    stage.wait_for_all([errors, everything], "error: disk is full")
    stage.run("emit_log_topic.py", "kern.critical", "a kernel error")
    stage.wait_for_all([kernel, critical], "kern.critical: a kernel error")
    stage.run("emit_log_topic.py", "cron.info", "nobody asked for this")
    stage.say("The bindings, with their keys:")
    stage.rmqctl("list_bindings", "source_name", "routing_key", "--where", "source_name ~ _logs", "--sort=source_name")


SCENES = (
    Scene("hello", "Hello world", hello),
    Scene("round-robin", "Work queues and round robin", round_robin),
    Scene("dying-worker", "A worker that dies with a task half done", dying_worker),
    Scene("forgotten-acks", "Forgotten acknowledgements, and how to see them", forgotten_acks),
    Scene("durability", "Durability across a restart", durability),
    Scene("fair-dispatch", "Fair dispatch", fair_dispatch),
    Scene("publish-subscribe", "Publish and subscribe", publish_subscribe),
    Scene("routing", "Bindings and routing", routing),
)


def _workers(stage: Stage, name: str, count: int) -> list[Program]:
    """So many workers. They start one after the other: round robin goes by that order."""
    return [_receiver(stage, name, label=f"worker {number}") for number in range(1, count + 1)]


def _receiver(stage: Stage, name: str, *args: str, label: str) -> Program:
    """A program that waits for messages."""
    program = stage.start(name, *args, label=label)
    program.wait_for(WAITING)
    return program


def _until_counts(stage: Stage, queue: str, ready: int, unacknowledged: int) -> None:
    stage.until(
        f"{queue} has {ready} messages ready and {unacknowledged} unacknowledged",
        lambda row: (row["messages_ready"], row["messages_unacknowledged"]) == (ready, unacknowledged),
        queue,
    )
