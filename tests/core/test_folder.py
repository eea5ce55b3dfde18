"""Files written whole or not at all, and what hinders it said."""

import errno

import pytest

from jingwei.core.errors import Unavailable
from jingwei.core.folder import write_whole


@pytest.mark.parametrize(
    ("why", "code"), [(errno.ENOSPC, "disk-full"), (errno.EDQUOT, "disk-full"), (errno.EACCES, "file-unusable")]
)
def test_what_hinders_writing_is_said_and_leaves_what_was_there(tmp_path, why, code):
    path = tmp_path / "report.html"
    path.write_text("before")

    def fails(draft):
        draft.write_text("hal")
        raise OSError(why, "no")

    with pytest.raises(Unavailable) as caught:
        write_whole(path, fails)
    assert caught.value.code.endswith(code)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_written_is_put_in_its_place(tmp_path):
    write_whole(tmp_path / "a", lambda draft: draft.write_bytes(b"whole"))
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a", b"whole")]
