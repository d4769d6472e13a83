"""The embedded broker: AMQP 0-9-1 and the management HTTP API in one process. Knows nothing of the command line.

From `wire` to `connection` nothing does I/O: bytes go in, bytes come out, and the time is asked of the broker's clock.
"""
