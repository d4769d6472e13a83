"""Hypothesis: the same examples in every run of CI, and no example is too slow on a busy machine."""

import os

from hypothesis import settings

settings.register_profile("rmqctl", deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True)
settings.load_profile("rmqctl")
