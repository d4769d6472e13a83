"""What AMQP means: virtual hosts, exchanges, queues, users and policies, without sockets, files, clocks or HTTP.

How a message travels
---------------------
    amqp.channel        cuts it from frames                      management.messages    takes it from a request
             \\                                                   /
              publishing.Publisher    may this user write there, is it sound?              else Refusal
                        |
              routing.Router          which queues? what the key alone decides is remembered
                        |
              publishing.put          each queue takes it or rejects it                    Outcome
                        |
              queue.Queue.push        full? else journaled (if it is to survive) and given a place
                   /         \\
      consumer.Outlet.send    ready.Ready    waits by priority and age; expires; is dropped above a limit
             |                     |
       acknowledged, or      dead_letters    a new message with its history, routed and put like any other
       back to Queue.requeue

What is refused has done nothing. What has changed something durable is told to the journal first (`Node.define`), and whoever
asked is told when it is safe (`Node.settle`, or `Node.awaiting` with the number of a batch).

Who wakes whom
--------------
paused      A connection takes no deliveries: its socket is full, or more than 1 MiB waits in it. `Connection.take` and
            `resume_output` end that, and each channel's `resume` offers its consumers to their queues.
blocked     A consumer is out of its queue's round: its outlet said no (`may_send`: paused, or its prefetch is used up), or
            another one is the single active consumer. Only `Queue.credit` brings it back; it asks the outlet again, so to call
            it once too often does no harm, and once too seldom leaves messages waiting. Who frees room calls it: an
            acknowledgement, basic.qos, output that goes on.
credited    A channel whose consumers have acknowledged something. The connection credits them at the end of all that came in
            one piece, or before the next method that is no acknowledgement.
confirming  A channel with publishes that may be confirmed now: flushed at the end of the piece, many in one frame. Those that
            a durable queue keeps wait in `Node.awaiting` for the store's commit, which flushes them itself.
holding     A channel with something from a queue that waits until the method in hand is answered.
alarmed     Memory is short, or the disk refuses: who publishes then is not read on (`Connection.reads`). `Broker.alarms`
            tells each connection both ways.

Timers (`Node.timers`) do what nobody asks for: messages and queues expire, heartbeats are sent, handshakes time out.
"""
