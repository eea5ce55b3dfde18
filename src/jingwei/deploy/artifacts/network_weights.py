"""OpenVINO keeps a network in two files: the description `x.xml`, and its bare numbers in `x.bin` without any mark."""

import re
from pathlib import Path

_LOOKED_AT = 64 * 1024
_NETWORK = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:(?><!--.*?-->)\s*+)*+<net\s", re.DOTALL)


def described(path: Path) -> bool:
    """Tell whether a network's description lies beside a file under the same name."""
    if path.suffix.lower() != ".bin":
        return False
    beside = path.with_suffix(".xml")
    try:
        if not beside.is_file():
            return False
        with beside.open("rb") as file:
            return _NETWORK.match(file.read(_LOOKED_AT)) is not None
    except OSError:
        return False
