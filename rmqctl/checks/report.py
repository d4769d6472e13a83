"""What every check returns: findings, figures, and the status that comes of them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, Protocol


class Status(IntEnum):
    """The exit codes of https://www.monitoring-plugins.org/doc/guidelines.html#AEN78."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_BY_WEIGHT = (Status.OK, Status.WARNING, Status.UNKNOWN, Status.CRITICAL)


def worst(found: Iterable[Status]) -> Status:
    """Critical, then unknown, then warning: what could not be looked at may be as bad as the worst that was seen."""
    return max(found, key=_BY_WEIGHT.index, default=Status.OK)


class Found(Protocol):
    """A finding of any check: a named tuple, whose fields are columns and the words of --where."""

    @property
    def kind(self) -> str: ...

    @property
    def _fields(self) -> tuple[str, ...]: ...

    def _asdict(self) -> dict[str, Any]: ...

    def in_words(self) -> str:
        """For people: what, where, how much, and below that, indented, more of it and what to do."""
        ...

    def labels(self) -> Mapping[str, Any]:
        """What tells it from others, for Prometheus."""
        ...

    def amount(self) -> float:
        """How much of it there is, for Prometheus."""
        ...


class Finding(NamedTuple):
    """One thing that is wrong with one object. `status`: the name of a Status. `value`: what was held against a limit.

    `vhost` None: the object belongs to none. `text` says what is wrong, `advice` what to do about it.
    """

    kind: str
    status: str
    object: str
    name: str | None
    vhost: str | None = None
    value: float | None = None
    text: str = ""
    advice: str = ""

    def in_words(self) -> str:
        where = "" if self.vhost is None else f" in virtual host {self.vhost!r}"
        named = self.object if self.name is None else f"{self.object} {self.name!r}"
        line = f"{self.kind}: {named}{where}" + (f": {self.text}" if self.text else "")
        return f"{line}\n  {self.advice}" if self.advice else line

    def labels(self) -> Mapping[str, Any]:
        return {name: getattr(self, name) for name in ("kind", "object", "vhost", "name")}

    def amount(self) -> float:
        return 1 if self.value is None else self.value


class Figure(NamedTuple):
    """A number about the whole, for monitoring; None when unknown. `limits`: from where on it is a warning, and critical.

    `unit`: "s", "%", "B" or none. `falling`: less is worse.
    """

    name: str
    value: float | None
    help: str
    limits: tuple[float | None, float | None] = (None, None)
    unit: str = ""
    falling: bool = False


class Report(NamedTuple):
    """What a check found."""

    status: Status
    summary: str
    found: Sequence[Found] = ()
    figures: Sequence[Figure] = ()


def report(found: Sequence[Finding], all_well: str, figures: Sequence[Figure] = ()) -> Report:
    """As bad as the worst finding; `all_well` is the summary when there is none."""
    ordered = sorted(found, key=lambda each: (-Status[each.status], each.vhost or "", each.name or "", each.kind))
    return Report(worst(Status[each.status] for each in found), summary(ordered) or all_well, ordered, figures)


def summary(found: Sequence[Finding]) -> str:
    """The finding when it is one, else how many there are of each kind."""
    if len(found) == 1:
        return found[0].in_words().partition("\n")[0]
    return "; ".join(f"{kind}: {number}" for kind, number in Counter(each.kind for each in found).items())


def counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def span(seconds: float) -> str:
    """Seconds for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
