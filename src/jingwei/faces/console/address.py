"""Where a page stands: its room in the navigation, and addresses that differ from its own in one thing."""

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

ROOMS = (
    ("board", "/"), ("systems", "/systems"), ("evidence", "/evidence"), ("gate", "/gate"), ("jobs", "/jobs"),
    ("events", "/events"), ("approvals", "/approvals"), ("lexicons", "/lexicons"), ("candidates", "/candidates"),
    ("campaigns", "/campaigns"), ("knowledge", "/knowledge"), ("ledger", "/ledger"), ("catalogue", "/catalogue"),
)  # fmt: skip
_ELSEWHERE = (("/gate", "/gate"), ("/fixes", "/systems"), ("/policy/edit", "/candidates"), ("/watch", "/approvals"))
"""Pages of a System that lie in another room."""
_NOT_FILTERS = {"lang", "page", "sort"}


@dataclass(frozen=True, slots=True)
class Address:
    """The address of the page being shown."""

    request: Request

    @property
    def rooms(self) -> tuple[tuple[str, str], ...]:
        """Return every room as (name, address)."""
        return ROOMS

    @property
    def room(self) -> str:
        """Return the address of the room this page lies in; some of a System's lie in another."""
        path = self.request.url.path
        for ending, room in _ELSEWHERE:
            if path.endswith(ending):
                return room
        return "/" + path.split("/")[1]

    @property
    def filtered(self) -> bool:
        """Tell whether the address narrows the list down."""
        return any(value for name, value in self._query().items() if name not in _NOT_FILTERS)

    @property
    def stream(self) -> str:
        """Return the address of this page's event stream, with the same filters."""
        return self._with(f"{self.request.url.path}/stream", {"before": None})

    def query(self, name: str) -> str:
        """Return one value of the address, empty where it is not given."""
        return self._query().get(name, "")

    def change(self, **changes: object) -> str:
        """Return this address with some values changed; None takes one away."""
        return self._with(self.request.url.path, changes)

    def _with(self, path: str, changes: dict[str, object]) -> str:
        wanted = {**self._query(), **changes}
        kept = {name: value for name, value in wanted.items() if value not in (None, "")}
        return f"{path}?{urlencode(kept)}" if kept else path

    def _query(self) -> dict[str, str]:
        return {name: value for name, value in self.request.query_params.items() if name != "lang"}
