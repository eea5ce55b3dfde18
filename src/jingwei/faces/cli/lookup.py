"""What people type for things: a System's name or id, an account's login, the head of an evidence id."""

from typing import TYPE_CHECKING

from jingwei.core.errors import InputError, NotFound

if TYPE_CHECKING:
    from jingwei.core.evidence import Evidence
    from jingwei.manage import System
    from jingwei.platform import Work

_SHORTEST = 6


def system_named(work: "Work", wanted: str) -> "System":
    """Return a System by its id or its name.

    Raises:
        NotFound: there is none.
    """
    folded = wanted.casefold()
    found = next(
        (each for each in work.registry.systems() if wanted == each.id or folded == each.name.casefold()), None
    )
    if found is None:
        raise NotFound("faces.cli:system-unknown", field="system", system=wanted)
    return found


def evidence_named(work: "Work", wanted: str) -> "Evidence":
    """Return evidence by its id or a head of it that only one has.

    Raises:
        NotFound: there is none.
        InputError: several begin like that.
        Tampered: what is stored is not what was signed.
    """
    if len(wanted) < _SHORTEST or len(wanted) == 64:
        return work.proof.evidence(wanted)
    ids = {each for run in work.runs.runs(limit=1000) for each in run.evidence_ids}
    ids |= {each.id for system in work.registry.systems() for each in work.proof.all_of(system.id)}
    fitting = sorted(each for each in ids if each.startswith(wanted))
    if len(fitting) > 1:
        raise InputError("faces.cli:evidence-several", field="evidence", evidence=wanted, count=len(fitting))
    return work.proof.evidence(fitting[0] if fitting else wanted)


def login_names(work: "Work") -> dict[str, str]:
    """Return logins by account id, for showing; ids stay where an account is gone."""
    return {each.id: each.login for each in work.accounts.accounts()}
