"""What a scanned thing is called and says, made fit to print."""

_LONGEST = 160


def plain(value: object) -> str:
    """Return a text as one bounded line without control characters."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)[: _LONGEST + 1])
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "\N{HORIZONTAL ELLIPSIS}"
