"""A guard policy before it is put in force: what would change, and what evidence would lapse."""

from dataclasses import dataclass

from jingwei.faces.console.views.parts import Label, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLine:
    """One part of a policy, before and after."""

    part: Label
    before: Label
    after: Label
    weaker: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyView:
    """The preview."""

    system_id: str
    system: str
    present: str
    """Digest of the policy in force; empty where there is none."""
    digest: str
    changes: tuple[ChangeLine, ...]
    lapses: tuple[Link, ...]
    may_attach: bool
