"""What was concluded of one thing, and what may be done further with it."""

from dataclasses import dataclass

from jingwei.deploy.agents.documents import Server
from jingwei.deploy.agents.files import Source
from jingwei.deploy.agents.findings import Notes, shown
from jingwei.deploy.agents.judging import judge_words
from jingwei.deploy.agents.things import Thing
from jingwei.deploy.agents.tools import judge_tool, powers_of
from jingwei.deploy.scanned import Scanned


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing, examined."""

    scanned: Scanned
    pin: str = ""
    """Digest of what it tells a model; empty for what tells nothing."""
    server: Server | None = None
    """Set where the thing is a server that could be started."""


def judged(thing: Thing, notes: Notes, source: Source | None = None) -> Examined:
    """Judge the words and the powers of one thing."""
    judge_words(thing, notes)
    powers = ""
    if thing.kind == "tool":
        judge_tool(thing, notes)
        powers = ", ".join(sorted(powers_of(thing)))
    facts = {"can": powers} if powers else {}
    about = source or Source("", b"", 0)
    scanned = Scanned(path=shown(thing.path), sha256=about.sha256 if source else thing.digest, size=about.size,
                      format=f"mcp-{thing.kind}", coverage=((0, len(about.content)),) if about.content else (),
                      findings=tuple(notes.findings), gaps=tuple(notes.gaps), facts=facts)  # fmt: skip
    return Examined(scanned, thing.digest)
