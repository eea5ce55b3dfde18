"""JSON paths, as much of them as a target file needs: `$.data.items[0].text`, `$["a key"][-1]`."""

import re
from typing import Any

_STEP = re.compile(r"""\.?([A-Za-z_][\w-]*)|\[(-?\d{1,6})\]|\[(?:"([^"\]]*)"|'([^'\]]*)')\]|\.(\d{1,6})""")


def steps_of(path: str) -> tuple[str | int, ...]:
    """Read a path.

    Raises:
        ValueError: it is none; says from where on.
    """
    rest, steps = path.strip().removeprefix("$"), []
    while rest:
        found = _STEP.match(rest)
        if found is None:
            raise ValueError(rest)
        name, number, quoted, single, dotted = found.groups()
        key = next((each for each in (name, quoted, single) if each is not None), None)
        steps.append(int(number or dotted) if key is None else key)
        rest = rest[found.end() :]
    return tuple(steps)


def at(value: Any, steps: tuple[str | int, ...]) -> Any:  # Any: JSON of an unknown shape
    """Return what lies at a path; None where nothing does."""
    for step in steps:
        if isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        elif isinstance(value, dict) and str(step) in value:
            value = value[str(step)]
        else:
            return None
    return value
