"""`python -m tests.simulation --seeds A:B --steps N`: many runs; `--seed N`: one, with all that is said."""

import sys

from tests.simulation.run import main

if __name__ == "__main__":
    sys.exit(main())
