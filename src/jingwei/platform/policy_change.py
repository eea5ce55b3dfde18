"""What two policies differ in, part by part: rules by category, tools by name, the rest by field."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import Json
from jingwei.core.policy import Policy
from jingwei.deploy.guard import loosens


class PolicyChange(BaseModel):
    """One part of a policy, before and after."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: str
    """Path, such as `rules.pii.inbound` or `tools`."""
    before: Any  # Any: JSON; a recursive alias is more than pydantic can read
    after: Any
    loosens: bool = False
    """Whether the part protects less than before; in doubt it does."""


def changes(before: Policy | None, after: Policy) -> tuple[PolicyChange, ...]:
    """List the parts in which two policies differ; where there was none before, every part of the new one."""
    was, then = _parts(before) if before else {}, _parts(after)
    return tuple(
        PolicyChange(part=name, before=was.get(name), after=then.get(name),
                     loosens=before is not None and loosens(name, was.get(name), then.get(name)))
        for name in {**was, **then}
        if was.get(name) != then.get(name)
    )  # fmt: skip


def _parts(policy: Policy) -> dict[str, Json]:
    written = policy.model_dump(mode="json", exclude={"rules", "tools"})
    found: dict[str, Json] = {}
    for number, rule in enumerate(policy.rules):
        again = sum(each.category is rule.category for each in policy.rules[:number])
        head = f"rules.{rule.category.value}" + (f"[{again}]" if again else "")
        for name, value in rule.model_dump(mode="json", exclude={"category"}).items():
            found[f"{head}.{name}"] = value
    for tool in policy.tools:
        name = f"{tool.server}/{tool.name}" if tool.server else tool.name
        found[f"tools.{name}"] = tool.model_dump(mode="json", exclude={"name", "server"})
    return found | written
