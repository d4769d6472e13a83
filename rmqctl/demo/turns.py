"""Where the one who looks on wants to go instead of on."""

BACK, SKIP = -1, 1


class Turn(Exception):
    """Leaves the scene for the one before (BACK) or the next (SKIP)."""

    def __init__(self, scenes: int) -> None:
        super().__init__()
        self.scenes = scenes


ANSWERS = {"b": BACK, "back": BACK, "s": SKIP, "skip": SKIP}
"""What is typed at the prompt."""
