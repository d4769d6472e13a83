"""How a tab is looked at: its order, its filter, and which of its columns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rmqctl.resources.column import Object
from rmqctl.top.rows import Filter, shown
from rmqctl.top.tabs import FINDING, Field, Tab, fitting

_CHOSEN = -1
"""The rank of a column that the user chose: it is the last to go when there is little room."""


@dataclass
class View:
    """`chosen`: what the user said of columns, whether they are shown. It lasts as long as the program runs."""

    tab: Tab
    order: str
    descending: bool
    filter: Filter | None = None
    chosen: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, tab: Tab) -> "View":
        return cls(tab, tab.order, tab.descending)

    def shown(self, rows: Sequence[Object]) -> Sequence[Object]:
        return shown(rows, self.tab, self.filter, self.order, descending=self.descending)

    def fields(self, rows: Sequence[Object]) -> list[Field]:
        """Those that the user chose, and those that tell something: virtual hosts when there are several, `acks` when somebody
        forgets."""
        tab = self.tab
        hidden = {name for name, wanted in self.chosen.items() if not wanted}
        if (vhost := tab.field("vhost")) and len(set(map(tab.reader(vhost), rows))) < 2:
            hidden.add("vhost")
        if not any(FINDING in row for row in rows):
            hidden.add("acks")
        return [
            each._replace(rank=_CHOSEN) if self.chosen.get(each.name) else each
            for each in tab.fields
            if each.name not in hidden or self.chosen.get(each.name)
        ]

    def choose(self, wanted: set[str], visible: set[str]) -> None:
        """Takes over what the user ticked; `visible` are the columns that were on the screen. What was not touched stays free."""
        for each in self.tab.fields[1:]:
            if (each.name in wanted) is not (each.name in visible):
                self.chosen[each.name] = each.name in wanted

    def sort_by(self, name: str) -> None:
        """The other way round when it is sorted by that already."""
        if self.order == name:
            self.descending = not self.descending
            return
        self.order = name
        self.descending = next(each for each in self.tab.fields if each.name == name).right

    def step(self, by: int, rows: Sequence[Object], width: int) -> None:
        """Sorts by a neighbour of the column that it is sorted by, one that can be seen."""
        names = [each.name for each, _ in fitting(self.fields(rows), width) if each.sortable]
        at = names.index(self.order) if self.order in names else -1
        name = names[(at + by) % len(names)]
        if name != self.order:
            self.sort_by(name)


class Place(NamedTuple):
    """Where the user came from: a tab, its open object, and the connection whose channels it was about."""

    number: int
    item: Object | None
    of: str | None
