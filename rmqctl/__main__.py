"""The entry point, also of `python -m rmqctl`."""

import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line and ends the process.

    A command makes few objects and ends: collecting garbage meanwhile, and tearing the interpreter down afterwards, would
    cost it about a fifth of its time. Commands that stay (watch, broker) switch the collector on again.
    """
    gc.disable()
    from rmqctl import stdio

    if problem := stdio.prepare():
        print(f"rmqctl: {problem}", file=sys.stderr, flush=True)
        os._exit(70)
    from rmqctl.cli import run
    from rmqctl.session import Session

    code = run(sys.argv[1:], Session.of_process())
    os._exit(code)


if __name__ == "__main__":
    main()
