"""Every error that Jingwei raises on purpose.

The tree is grouped by who can mend it; a face maps each class once to an exit code or an HTTP status:

    JingweiError
    ├── InputError          what was given is wrong: the message names the field and the mend      exit 2 · 422
    │   └── NotFound        it names something that does not exist                                 exit 2 · 404
    ├── Refused             a rule says no: a closed gate, a second vote, a red line               exit 3 · 403
    │   ├── Unauthenticated the caller is not known                                                exit 3 · 401
    │   └── Conflict        the state no longer allows it                                          exit 3 · 409
    ├── Unavailable         something outside cannot be reached, is full, or is locked             exit 4 · 503
    └── Tampered            a signature, a hash or a chain does not hold                           exit 1 · 409

`code` is the key of the message in a `text.yaml` and stable for programs; `str(error)` is the English message.
"""

from jingwei.core.text import Both, text


class JingweiError(Exception):
    """The root: a stable code and a message in both languages that says what to do.

    Args:
        code: key of the message, such as `"manage:gate-closed"`.
        field: the input the error is about, as a path (`facts.autonomy`), where there is one.
        values: what fills the message's places.
    """

    def __init__(self, code: str, /, *, field: str | None = None, **values: object) -> None:
        self.code = code
        self.field = field
        self.values = values
        self.message: Both = text(code, **values)
        super().__init__(self.message.en)


class InputError(JingweiError):
    """What was given is wrong."""


class NotFound(InputError):  # noqa: N818 - the domain's word reads better than NotFoundError
    """It names something that does not exist."""


class Refused(JingweiError):  # noqa: N818
    """A rule says no."""


class Unauthenticated(Refused):
    """The caller is not known."""


class Conflict(Refused):
    """The present state does not allow it."""


class Unavailable(JingweiError):  # noqa: N818
    """Something outside cannot be reached, is full, or is locked."""


class Tampered(JingweiError):  # noqa: N818
    """A signature, a hash or a chain does not hold."""
