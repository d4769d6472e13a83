"""Inputs that no client sends, and a judge that looks at everybody else.

    python -m pytest tests/fuzz                                          what CI runs
    python -m tests.fuzz.amqp --seed 7 --count 1000000 --jobs 2          a long run over AMQP, in process
    python -m tests.fuzz.amqp --seed 7 --number 4711                     one conversation again, with every move
    python -m tests.fuzz.damaged --seed 7 --count 500                     stores that are damaged
    python -m tests.fuzz.kills --seed 7 --count 300                       a broker that is killed at work, and starts again
    python -m tests.fuzz.sockets --seconds 60 --hostile 50               the same over sockets, beside an innocent client
    python -m tests.fuzz.http --seed 7 --count 200000                    requests to every route of the HTTP API, in process

Of AMQP: `wire` encodes, `conversations` says what clients say, and odder things; `mutations` spoils it; `moves` is what becomes
of it: plain data, of which any part can be done too. `judge` does it to a broker with `tests.simulation.world`, where no time
passes by itself, and says what went wrong for others; several conversations share a broker. `shrink` makes the moves that fail
fewer and shorter.
`corpus/amqp.json` has moves that a broker has failed on. Of kills: `homes` and `offices` are the clients, and know what has to
be there after a restart.
"""
