"""Which controls are shown by evidence that stands now: the board's numbers and the catalogue's marks."""

from collections.abc import Collection, Iterable
from functools import lru_cache
from importlib.resources import files

from pydantic import TypeAdapter

from jingwei.catalog import Control, Stage, read_yaml
from jingwei.core.errors import JingweiError
from jingwei.manage import State
from jingwei.platform import Work

SIDES = (Stage.DEVELOP, Stage.DEPLOY, Stage.OPERATE)
LINES = ("management", "technology")


@lru_cache
def ecosystem() -> dict[str, tuple[str, ...]]:
    """Return the four places of the ecosystem, each with its controls."""
    source = files("jingwei.faces.console").joinpath("ecosystem.yaml").read_bytes()
    return TypeAdapter(dict[str, tuple[str, ...]]).validate_python(read_yaml(source, name="ecosystem.yaml").data)


def proven_types(work: Work) -> frozenset[str]:
    """Return the evidence types of which some System (or the organisation) holds valid evidence now."""
    work.survey()
    kept = work.proof.types()
    found: set[str] = set()
    for system in work.registry.systems():
        if found >= kept:
            break
        try:
            standings = work.proof.standings(system.id)
        except JingweiError:
            continue  # its page says what is wrong; it proves nothing meanwhile
        found.update(each.evidence.type for each in standings if each.standing.state is State.VALID)
    return frozenset(found)


def places(control: Control) -> tuple[str, ...]:
    """Return where a control lies on the board; one for all sides lies on each."""
    match control.stage:
        case Stage.ECOSYSTEM:
            return tuple(f"ecosystem.{name}" for name, ids in ecosystem().items() if control.id in ids)
        case Stage.SECTOR:
            return (f"sector.{control.sector}",) if control.sector else ()
        case Stage.ALL:
            return tuple(f"{control.axis}.{side}" for side in SIDES)
        case side:
            return (f"{control.axis}.{side}",)


def is_proven(control: Control, types: Collection[str]) -> bool:
    """Tell whether some evidence type of a control stands."""
    return any(each in types for each in control.evidence)


def at(place: str, controls: Iterable[Control]) -> tuple[Control, ...]:
    """Return the controls that lie at a place of the board."""
    return tuple(control for control in controls if place in places(control))
