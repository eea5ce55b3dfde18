"""One thing that a configuration starts, in the same words wherever it is written down."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Reach(StrEnum):
    """From where a workload can be reached, as far as its configuration tells."""

    HOST = "host"
    """It runs on the machine itself: what it listens on is what the machine listens on."""
    PUBLISHED = "published"
    """A container whose port is given to the outside."""
    INSIDE = "inside"
    """A container that only its neighbours reach."""
    UNKNOWN = "unknown"
    """An image, or a container whose surroundings are written elsewhere."""


class Setting(NamedTuple):
    """A value and the line it stands in."""

    value: str
    line: int = 0


class Command(NamedTuple):
    """One simple command: its words, with what it sets in its environment."""

    words: tuple[str, ...]
    line: int = 0
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def program(self) -> str:
        """Return what is run, without its folder."""
        return self.words[0].rpartition("/")[2] if self.words else ""

    def flag(self, name: str) -> str | None:
        """Return the value of a flag, empty where it has none, or none where it is not given."""
        begin = 0 if self.words[:1] and self.words[0].startswith("-") else 1  # arguments of an image's entry point
        for place, word in enumerate(self.words[begin:], begin):
            if word == name:
                following = self.words[place + 1] if place + 1 < len(self.words) else ""
                return "" if following.startswith("-") and len(following) > 1 else following
            if word.startswith(f"{name}="):
                return word.partition("=")[2].strip("'\"")
        return None


class Port(NamedTuple):
    """A port that is given to the outside."""

    address: str
    """On which address of the host; empty for all."""
    number: int
    """Inside the container."""
    line: int = 0

    @property
    def public(self) -> bool:
        """Tell whether others than this machine reach it."""
        return not self.address.startswith(("127.", "[::1]", "::1", "localhost"))


def is_port(text: str) -> bool:
    """Tell whether a text is the number of a port."""
    return text.isascii() and text.isdecimal() and len(text) <= 5


@dataclass(slots=True)
class Workload:
    """One container, unit or machine."""

    kind: str
    """The kind of file: dockerfile, compose, kubernetes, systemd, script, environment, cloud-init."""
    name: str = ""
    line: int = 0
    reach: Reach = Reach.UNKNOWN
    image: Setting | None = None
    user: Setting | None = None
    commands: list[Command] = field(default_factory=list)
    entry: list[Command] = field(default_factory=list)
    """Of an image: what its commands are given to."""
    environment: dict[str, Setting] = field(default_factory=dict)
    ports: list[Port] = field(default_factory=list)

    def variable(self, name: str) -> Setting | None:
        """Return an environment variable."""
        return self.environment.get(name)


@dataclass(frozen=True, slots=True)
class Note:
    """One rule broken at one line, before its texts are put on."""

    rule: str
    line: int
    what: str = ""
    """The setting itself, as it is told."""
    group: str = ""
    """The text that is told, where several rules share one."""
    severity: str = ""
    """In place of the rule's own."""
    server: str = ""
    hidden: str = ""
    """A secret of this line, which nothing may show."""
