"""A whole broker in one thread, from one seed, checked after every step against a simple model.

    python -m pytest tests/simulation                                       what CI runs
    python -m tests.simulation --seeds 100000:110000 --steps 100 --jobs 2   a long run
    python -m tests.simulation --seed 41                                    one seed, with every frame

`steps` makes the steps of a seed: plain data, of which any part is a sequence too. `simulation` takes them one by one: `world`
does them to the broker (clients through bytes in any pieces, HTTP calls, a disk that refuses or is torn at any byte, kill and
restart, a clock that steps), and the model says what has to be heard and what has to be there. `model` begins with the rules;
`rules`, `hearing`, `declaring`, `answering`, `methods` and `administration` are the model, each on top of the one before.
A failure is shrunk to its shortest sequence and printed with the command that replays it. `faults` are put into the broker one
by one, and each has to be found: a check that cannot fail is none. `found.json` has sequences that the broker failed on.
"""
