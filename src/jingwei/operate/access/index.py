"""The index: what a search needs in memory, as of one version of the base."""

import sqlite3
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jingwei.detect.embedding import WIDTH
from jingwei.operate.access.acl import Acl, Asker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KEPT_ASKERS = 256


@dataclass(slots=True)
class Index:
    """Every paragraph's vector, and the two lists that guard it."""

    version: int
    ids: "NDArray[np.int64]"
    vectors: "NDArray[np.float32]"
    document_acl: "NDArray[np.int64]"
    """For each paragraph the place of its document's list in `lists`."""
    own_acl: "NDArray[np.int64]"
    lists: tuple[Acl, ...]
    visible: dict[Asker, "NDArray[np.int64]"] = field(default_factory=dict)
    """Rows that an asker may see, worked out once a version."""

    def rows(self, asker: Asker) -> "NDArray[np.int64]":
        """Return the rows of the paragraphs that the asker may see."""
        import numpy as np  # noqa: PLC0415 - with the encoder, on first need

        found = self.visible.get(asker)
        if found is None:
            lets = np.fromiter((each.lets(asker) for each in self.lists), dtype=bool, count=len(self.lists))
            found = np.flatnonzero(lets[self.document_acl] & lets[self.own_acl])
            if len(self.visible) >= _KEPT_ASKERS:
                self.visible.clear()
            self.visible[asker] = found
        return found


def read_index(database: sqlite3.Connection, version: int) -> Index:
    """Read the whole base."""
    import numpy as np  # noqa: PLC0415 - with the encoder, on first need

    lists = [(number, Acl.model_validate_json(body)) for number, body in database.execute("SELECT id, body FROM acl")]
    place = {number: order for order, (number, _) in enumerate(lists)}
    ids, whole, own, raw = array("q"), array("q"), array("q"), bytearray()
    query = (
        "SELECT p.id, d.acl, coalesce(p.acl, d.acl), p.vector FROM paragraph p "
        "JOIN document d ON d.id = p.document ORDER BY p.id"
    )
    for number, document_acl, own_acl, vector in database.execute(query):
        ids.append(number)
        whole.append(place[document_acl])
        own.append(place[own_acl])
        raw += vector
    vectors = np.frombuffer(bytes(raw), dtype="<f2").astype(np.float32).reshape(len(ids), WIDTH)
    integers = [np.array(each, dtype=np.int64) for each in (ids, whole, own)]
    return Index(version, integers[0], vectors, integers[1], integers[2], tuple(acl for _, acl in lists))
