"""The name of this host: a random id in a file beside the spool, the same for every process that shares it.

What a person permits on one host is no permission on another.
"""

import os
import re
import secrets
from pathlib import Path

from jingwei.core.errors import Unavailable

NAME = "host.id"
_ID = re.compile(r"host_[0-9a-f]{32}")


def host_id(folder: Path) -> str:
    """Return the id of the host that a spool folder belongs to; made the first time it is asked for.

    Raises:
        Unavailable: it cannot be read or written, or is no id.
    """
    path = folder / NAME
    try:
        if not path.exists():
            _make(path)
        found = path.read_text(encoding="ascii")[:64]
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable("core:host-unreadable", path=path.name) from error
    if not _ID.fullmatch(found):
        raise Unavailable("core:host-unreadable", path=path.name)
    return found


def _make(path: Path) -> None:
    """Put the file there whole; whoever is second keeps the first one's."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(f"host_{secrets.token_hex(16)}")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
