"""Each class of the core's error tree is given its HTTP status here and nowhere else."""

from http import HTTPStatus

from jingwei.core.errors import (
    Conflict,
    InputError,
    JingweiError,
    NotFound,
    Refused,
    Tampered,
    Unauthenticated,
    Unavailable,
)

_STATUS: tuple[tuple[type[JingweiError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Conflict, HTTPStatus.CONFLICT),
    (Refused, HTTPStatus.FORBIDDEN),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (Tampered, HTTPStatus.CONFLICT),
)


def status_of(error: JingweiError) -> HTTPStatus:
    """Return the HTTP status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
