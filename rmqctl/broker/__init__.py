"""The embedded broker: AMQP 0-9-1 and the management HTTP API in one process. Knows nothing of the command line.

    process       sockets, the event loop, signals             imports all below
    management    the HTTP API: JSON in, refusals to statuses  amqp (for its lists of connections) and core
    amqp          frames to calls of the core, and back        core
    storage       SQLite behind the core's journal             core
    core          what AMQP means: see its own page            nothing
    memory        how much memory there is and when it is short

Nothing but process does I/O on sockets, and nothing but storage writes files: from bytes and requests to bytes and answers
a whole broker runs in one thread, with its time and its chance given to it.
"""
