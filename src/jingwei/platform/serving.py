"""What gateways may serve: read anew only for the Systems that something was entered about, or ended for, since.

With hundreds of Systems, reading all of them takes longer than the second between two snapshots. The ledger names each
row that changed, so it tells which Systems to look at again; what ends by itself (a key, an override, a token) writes
no entry, so the next such moment is remembered.
"""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jingwei.core.errors import JingweiError
from jingwei.core.snapshot import Content, Served
from jingwei.core.store.tables import (
    ApiKeyRow,
    ApprovalRow,
    CandidateRow,
    CheckRunRow,
    ComponentRow,
    EntryRow,
    FactRow,
    KeyTermsRow,
    OverrideRow,
    PolicyRow,
    ResponsibilityRow,
    SystemRow,
    TokenRow,
)
from jingwei.manage import System
from jingwei.platform.live_words import LiveWords

if TYPE_CHECKING:
    from jingwei.platform.work import Work

_OF_A_SYSTEM = {
    row.__tablename__: row
    for row in (ApiKeyRow, CandidateRow, CheckRunRow, ComponentRow, FactRow, OverrideRow, PolicyRow, TokenRow)
}
"""Tables whose rows belong to a System and bear on what is served."""
_NAMED = frozenset({SystemRow.__tablename__, ResponsibilityRow.__tablename__, KeyTermsRow.__tablename__})
_WITHOUT_BEARING = frozenset(
    {"", "account", "approval", "campaign", "campaign_find", "campaign_target", "campaign_try", "candidate_signature",
     "evidence", "grade", "lexicon_change", "release_request", "release_signature", "role_grant"}
)  # fmt: skip
"""Tables that say nothing about what is served now; a table named nowhere here has every System read again."""
_ENDING: tuple[type[ApiKeyRow | ApprovalRow | OverrideRow | TokenRow], ...] = (
    ApiKeyRow, ApprovalRow, OverrideRow, TokenRow,
)  # fmt: skip
_MANY = 200
"""Entries beyond which every System is read again."""
_EVER = datetime.max.replace(tzinfo=UTC)
_log = logging.getLogger(__name__)


class Serving:
    """Keeps what was read from one look to the next. Not for several threads at once.

    Args:
        folder: of the snapshot; base files of live lexicons lie beside it.
    """

    def __init__(self, folder: Path, *, host: str = "") -> None:
        self.words = LiveWords(folder)
        self.host = host
        self._number = -1
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self._ends_at = self._read_at
        self._served: dict[str, Served | None] = {}
        self._content = Content()

    def content(self, work: "Work") -> Content:
        """Return what may be served now; the same object as before where nothing changed."""
        session, now = work.desk.session, work.desk.clock()
        newest = session.scalar(select(func.max(EntryRow.number))) or 0
        if newest == self._number and self._read_at <= now < self._ends_at and not self.words.waiting:
            return self._content
        touched = None if self._number < 0 or now < self._read_at else self._touched(session, now)
        systems = work.registry.systems()
        self._served = {
            each.id: _readable(work, each)
            if touched is None or each.id in touched or each.id not in self._served
            else self._served[each.id]
            for each in systems
        }
        found = Content(systems=tuple(each for each in self._served.values() if each), revoked=work.tokens.revoked(),
                        lexicons=self.words.content(work),
                        approvals=work.approvals.granted(self.host) if self.host else ())  # fmt: skip
        if found.digest != self._content.digest:
            self._content = found
        self._number, self._read_at, self._ends_at = newest, now, _next_end(session, now)
        return self._content

    def _touched(self, session: Session, now: datetime) -> set[str] | None:
        """Return the Systems that something was entered about, or ended for, since the last look; none means all."""
        entries = session.execute(
            select(EntryRow.table_name, EntryRow.row_id).where(EntryRow.number > self._number).limit(_MANY + 1)
        ).all()
        changed: dict[str, set[str]] = {}
        for table, row_id in entries:
            changed.setdefault(table, set()).add(row_id)
        if len(entries) > _MANY or not changed.keys() <= _OF_A_SYSTEM.keys() | _WITHOUT_BEARING | _NAMED:
            return None
        found = changed.get(SystemRow.__tablename__, set())
        for table, row in _OF_A_SYSTEM.items():
            if table in changed:
                found.update(filter(None, session.scalars(select(row.system_id).where(row.id.in_(changed[table])))))
        if links := changed.get(ResponsibilityRow.__tablename__):
            named = select(ComponentRow.system_id).join(
                ResponsibilityRow, ResponsibilityRow.component_id == ComponentRow.id
            )
            found.update(session.scalars(named.where(ResponsibilityRow.id.in_(links))))
        if terms := changed.get(KeyTermsRow.__tablename__):
            held = select(ApiKeyRow.system_id).join(KeyTermsRow, KeyTermsRow.key_id == ApiKeyRow.id)
            found.update(filter(None, session.scalars(held.where(KeyTermsRow.id.in_(terms)))))
        for ending in _ENDING:
            ended = select(ending.system_id).where(ending.expires_at > self._read_at, ending.expires_at <= now)
            found.update(filter(None, session.scalars(ended)))
        return found


def _next_end(session: Session, now: datetime) -> datetime:
    """Return the next moment at which a key, an override or a token ends by itself."""
    ends = [session.scalar(select(func.min(row.expires_at)).where(row.expires_at > now)) for row in _ENDING]
    return min((each for each in ends if each is not None), default=_EVER)


def _readable(work: "Work", system: System) -> Served | None:
    """Return what a gateway is told about one System; none where its records do not hold: the others are served on."""
    try:
        return _told(work, system)
    except (JingweiError, ValidationError, KeyError):
        _log.exception("system %s cannot be read and is not served", system.id)
        return None


def _told(work: "Work", system: System) -> Served | None:
    """Return what a gateway is told about one System; none without a policy."""
    policy = work.policies.in_force(system.id)
    if policy is None:
        return None
    tokens = work.tokens.servable(system.id)
    running = work.registry.configuration(system.id)
    return Served(
        system_id=system.id,
        name=system.name,
        status=system.status,
        upstream_url=system.upstream_url,
        upstream_model=system.upstream_model,
        upstream_key_env=system.upstream_key_env,
        policy=policy,
        shadow=work.candidates.shadowed(system.id),
        release_token=tokens.release.written if tokens.release else None,
        assessment_tokens=tuple(each.written for each in tokens.assessments),
        key_hashes=work.keys.hashes(system.id),
        keys=work.keys.served(system.id),
        configuration={"model": running.model, "prompt": running.prompt, "tools": running.tools},
    )
