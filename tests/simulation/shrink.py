"""The shortest sequence of steps that still fails: steps are taken out as long as it does, then each is made simpler."""

from collections.abc import Callable, Iterator, Sequence

from tests.simulation.steps import Step

Fails = Callable[[Sequence[Step]], bool]


def shrink(steps: Sequence[Step], fails: Fails, attempts: int = 3000) -> list[Step]:
    """`fails` runs a sequence. So many runs at most are made."""
    return _Shrinker(fails, attempts).run(list(steps))


class _Shrinker:
    def __init__(self, fails: Fails, attempts: int) -> None:
        self._fails = fails
        self._left = attempts

    def run(self, steps: list[Step]) -> list[Step]:
        before: list[Step] = []
        while before != steps and self._left > 0:
            before = steps
            steps = self._fewer(steps)
            steps = self._each(steps, _with_less_inside)
            steps = self._each(steps, _with_smaller_numbers)
        return steps

    def _still(self, steps: list[Step]) -> bool:
        if self._left <= 0:
            return False
        self._left -= 1
        return self._fails(steps)

    def _fewer(self, steps: list[Step]) -> list[Step]:
        """Delta debugging: takes out ever smaller pieces."""
        size = max(len(steps) // 2, 1)
        while True:
            at = len(steps)
            while at > 0:
                start = max(at - size, 0)
                shorter = steps[:start] + steps[at:]
                if self._still(shorter):
                    steps = shorter
                at = start
            if size == 1:
                return steps
            size = max(size // 2, 1)

    def _each(self, steps: list[Step], simpler: Callable[[Step], Iterator[Step]]) -> list[Step]:
        at = 0
        while at < len(steps):
            for step in simpler(steps[at]):
                shorter = [*steps[:at], step, *steps[at + 1 :]]
                if self._still(shorter):
                    steps = shorter
                    break
            else:
                at += 1
        return steps


def _with_less_inside(step: Step) -> Iterator[Step]:
    for place in reversed(range(len(step.inner))):
        yield step._replace(inner=(*step.inner[:place], *step.inner[place + 1 :]))


def _with_smaller_numbers(step: Step) -> Iterator[Step]:
    """Zero instead of a number, in the step and in what is inside."""
    for place, number in enumerate(step.numbers):
        for smaller in dict.fromkeys((0, 1, number % 10)):
            if smaller < number:
                yield step._replace(numbers=(*step.numbers[:place], smaller, *step.numbers[place + 1 :]))
    for place, inner in enumerate(step.inner):
        for each in _with_smaller_numbers(inner):
            yield step._replace(inner=(*step.inner[:place], each, *step.inner[place + 1 :]))
