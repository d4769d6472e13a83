"""How checks are printed: a summary line first, in every format; exit codes are those of monitoring plugins."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rmqctl.checks.report import Figure, Found, Report, Status, worst
from rmqctl.checks.table import Check
from rmqctl.output.escape import visible
from rmqctl.result import Result, Rows, Value
from rmqctl.session import Session

_BAD = re.compile("[a-z_]+ (WARNING|CRITICAL|UNKNOWN): ")
"""How the line of a check begins that is not as it should be: it stands out on a terminal."""


class Outcome(NamedTuple):
    """What became of a check. `skipped`: it does not apply to this broker or user."""

    check: Check
    report: Report
    skipped: bool = False

    @property
    def word(self) -> str:
        return "SKIPPED" if self.skipped else self.report.status.name

    @property
    def line(self) -> str:
        return visible(f"{self.check.name} {self.word}: {self.report.summary}")

    def as_data(self) -> dict[str, Any]:
        return {
            "check": self.check.name,
            "status": self.word,
            "summary": self.report.summary,
            "figures": {figure.name: figure.value for figure in self.report.figures},
            "findings": [each._asdict() for each in self.report.found],
        }


class _All(NamedTuple):
    """Several checks as one: the worst status, in which those that were skipped do not count. `why` there are none."""

    outcomes: Sequence[Outcome]
    why: str

    @property
    def status(self) -> Status:
        counting = [each.report.status for each in self.outcomes if not each.skipped]
        return worst(counting) if counting else Status.UNKNOWN

    @property
    def summary(self) -> str:
        words = [each.word for each in self.outcomes]
        order = ("CRITICAL", "UNKNOWN", "WARNING", "OK", "SKIPPED")
        return self.why or ", ".join(f"{words.count(word)} {word.lower()}" for word in order if word in words)

    @property
    def line(self) -> str:
        return visible(f"all {self.status.name}: {self.summary}")


def answer(session: Session, outcome: Outcome) -> Result:
    """One check: its findings below its line."""
    name, status, found = outcome.check.name, outcome.report.status, outcome.report.found
    details = [each.in_words() for each in found]
    writers = _Writers(
        text=lambda: [outcome.line, *details],
        nagios=lambda: _nagios(outcome.line, _performance(outcome.report.figures), details),
        prometheus=lambda: _prometheus(name, status, outcome.report),
        data=outcome.as_data,
        rows=lambda: Rows(outcome.check.columns, [tuple(each._asdict().values()) for each in found]),
    )
    return _written(session, writers, outcome.line, status)


def answer_all(session: Session, outcomes: Sequence[Outcome], why: str = "") -> Result:
    """Several checks: a line for each; none, and `why`, when the broker could not be looked at."""
    whole = _All(outcomes, why)
    lines = [each.line for each in outcomes]
    figures = [
        figure._replace(name=f"{each.check.name}_{figure.name}") for each in outcomes for figure in each.report.figures
    ]
    writers = _Writers(
        text=lambda: [whole.line, *lines],
        nagios=lambda: _nagios(whole.line, _performance(figures), lines),
        prometheus=lambda: _prometheus_of_all(whole),
        data=lambda: {
            "check": "all",
            "status": whole.status.name,
            "summary": whole.summary,
            "checks": [each.as_data() for each in outcomes],
        },
        rows=lambda: Rows(
            ("check", "status", "summary"), [(each.check.name, each.word, each.report.summary) for each in outcomes]
        ),
    )
    return _written(session, writers, whole.line, whole.status)


class _Writers(NamedTuple):
    """The same in each way of writing it."""

    text: Callable[[], list[str]]
    nagios: Callable[[], list[str]]
    prometheus: Callable[[], list[str]]
    data: Callable[[], Mapping[str, Any]]
    rows: Callable[[], Rows]


def _written(session: Session, writers: _Writers, line: str, status: Status) -> Result:
    form = session.format
    own = {"nagios": writers.nagios, "prometheus": writers.prometheus}
    if lines := own.get(form.name, writers.text if form.prose else None):
        text = lines()
        painted = form.name not in own  # no colour in what monitoring reads
        standing_out = frozenset(
            at for at, each in enumerate("\n".join(text).split("\n")) if painted and _BAD.match(each)
        )
        return Value(None, "\n".join(text), exit_code=status, alarming=standing_out, wraps=True)
    if form.nested:
        return Value(writers.data(), exit_code=status)
    return writers.rows()._replace(messages=(line,), exit_code=status)


# https://www.monitoring-plugins.org/doc/guidelines.html#AEN200


def _nagios(line: str, performance: str, details: Iterable[str]) -> list[str]:
    """One line with performance data, then the rest. What follows a bar is taken for performance data."""
    first = line.replace("|", "/") + (f" | {performance}" if performance else "")
    return [first, *(each.replace("|", "/") for each in details)]


def _performance(figures: Iterable[Figure]) -> str:
    return " ".join(map(_datum, figures))


def _datum(figure: Figure) -> str:
    """An unknown value is U; `N:` means that less than N is bad."""
    value = (
        "U"
        if figure.value is None
        else f"{_plain(round(figure.value) if figure.unit == 's' else figure.value)}{figure.unit}"
    )
    ends = ("" if limit is None else f"{_plain(limit)}{':' if figure.falling else ''}" for limit in figure.limits)
    return f"{figure.name}={value};{';'.join(ends)};{'' if figure.falling else '0'}"


def _plain(value: float) -> str:
    """A number without an exponent."""
    return str(int(value)) if value == int(value) else f"{value:.2f}"


# https://prometheus.io/docs/instrumenting/exposition_formats/: for the textfile collector

_UNITS = {"s": "_seconds", "%": "_percent", "B": "_bytes", "": ""}


def _prometheus(name: str, status: Status, report: Report) -> list[str]:
    lines = _status_lines(name, status)
    for figure in report.figures:
        if figure.value is not None:
            metric = f"rmqctl_check_{name}_{figure.name}{_UNITS[figure.unit]}"
            lines += [*_head(metric, figure.help), f"{metric} {_plain(figure.value)}"]
    metric = f"rmqctl_check_{name}_finding"
    return [*lines, *_head(metric, "How much there is of each finding."), *_samples(metric, report.found)]


def _prometheus_of_all(whole: _All) -> list[str]:
    lines = _status_lines("all", whole.status)
    for each in whole.outcomes:
        if not each.skipped:
            lines += _prometheus(each.check.name, each.report.status, each.report)
    return lines


def _status_lines(name: str, status: Status) -> list[str]:
    metric = f"rmqctl_check_{name}_status"
    return [*_head(metric, "0 ok, 1 warning, 2 critical, 3 unknown."), f"{metric} {status.value}"]


def _head(metric: str, help_text: str) -> list[str]:
    return [f"# HELP {metric} {help_text}", f"# TYPE {metric} gauge"]


def _samples(metric: str, found: Iterable[Found]) -> Iterator[str]:
    """One line for each set of labels, as there may be only one."""
    sums: dict[str, float] = {}
    for each in found:
        labels = ",".join(f"{name}={_label(value)}" for name, value in each.labels().items())
        sums[labels] = sums.get(labels, 0) + each.amount()
    return (f"{metric}{{{labels}}} {_plain(value)}" for labels, value in sums.items())


def _label(value: object) -> str:
    """Control characters are made visible: nobody's terminal is to be written to by a queue's name."""
    text = "" if value is None else visible(str(value))
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
