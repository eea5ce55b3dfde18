"""Where an error came from, for a log: its kinds and places, and never its message.

What an exception says may hold the text that was being judged, a key, or a person's data; a traceback prints all of
that. The kinds of the errors and the lines they passed tell a developer as much.
"""

from traceback import extract_tb

_MOST_ERRORS = 4
_MOST_PLACES = 6


def whereabouts(error: BaseException) -> str:
    """Write an error and what caused it as `ValueError at lexicon.py:31 scan < guard.py:80 check; by KeyError at …`."""
    told: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(told) < _MOST_ERRORS:
        frames = extract_tb(seen.__traceback__)[-_MOST_PLACES:]
        places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
        told.append(f"{type(seen).__module__}.{type(seen).__qualname__} at {' < '.join(places) or 'no place'}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "; by ".join(told)
