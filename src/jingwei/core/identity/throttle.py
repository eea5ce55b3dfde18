"""Waiting times after failed sign-ins, kept in the database: they hold across workers and restarts."""

from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete
from sqlalchemy.orm import Session

from jingwei.core.store.tables import SignInFailureRow

FREE_FAILURES = 4
LONGEST_WAIT = timedelta(minutes=5)
_FORGET_AFTER = timedelta(days=1)


def waiting_seconds(failures: int, *, since: timedelta) -> int:
    """Return how long to wait still: nothing for four failures, then 1, 2, 4 … seconds up to 5 minutes."""
    if failures <= FREE_FAILURES:
        return 0
    wait = min(timedelta(seconds=2 ** min(failures - FREE_FAILURES - 1, 16)), LONGEST_WAIT)
    return max(0, -int(-(wait - since).total_seconds() // 1))


class Throttle:
    """Counts failures by the hash of the name that was typed, whether it exists or not."""

    def __init__(self, session: Session, *, now: datetime) -> None:
        self.session = session
        self.now = now

    def wait(self, login: str) -> int:
        """Return the seconds a name must still wait; 0 means go on."""
        row = self.session.get(SignInFailureRow, _hash(login))
        return 0 if row is None else waiting_seconds(row.failures, since=self.now - row.last_at)

    def failed(self, login: str) -> None:
        """Count one failure, and forget those of other names that are a day old."""
        self.session.execute(delete(SignInFailureRow).where(SignInFailureRow.last_at < self.now - _FORGET_AFTER))
        row = self.session.get(SignInFailureRow, _hash(login))
        if row is None:
            row = SignInFailureRow(login_hash=_hash(login), failures=0, last_at=self.now)
            self.session.add(row)
        row.failures += 1
        row.last_at = self.now
        self.session.flush()

    def cleared(self, login: str) -> None:
        """Forget the failures of a name that has signed in."""
        self.session.execute(delete(SignInFailureRow).where(SignInFailureRow.login_hash == _hash(login)))


def _hash(login: str) -> str:
    return sha256(login.strip().casefold().encode()).hexdigest()
