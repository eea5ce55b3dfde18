"""Compiling a System's guard policy: a preview of what it changes and what lapses, then putting it in force."""

from collections.abc import Iterator
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import Refused
from jingwei.core.policy import Decision, Policy
from jingwei.core.text import Both, text
from jingwei.faces.console.caller import Asking, Posted
from jingwei.faces.console.pages.evidence import type_name
from jingwei.faces.console.views.parts import Label, Link
from jingwei.faces.console.views.policy import ChangeLine, PolicyView
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import may

router = APIRouter()
_DIRECTIONS = ("inbound", "outbound")
_COUNTED = ("words", "allowed_words", "canaries")


def policy_view(system_id: str, caller: Asking) -> PolicyView:
    """Compile the policy without putting it in force, and compare."""
    with caller.reading() as work:
        system = work.registry.system(system_id)
        found = work.guarding.preview(system_id)
    present = found.present.digest if found.present else ""
    return PolicyView(
        system_id=system_id, system=system.name, present=present, digest=found.policy.digest,
        changes=tuple(_changes(found.present, found.policy)),
        lapses=tuple(Link(name=type_name(caller, each.type), url=f"/evidence/{each.id}") for each in found.lapses),
        may_attach=present != found.policy.digest and system.status != "retired"
        and may(caller.actor, "policy.attach", domain=system.domain),
    )  # fmt: skip


def _changes(before: Policy | None, after: Policy) -> Iterator[ChangeLine]:
    none = text(f"{PACKAGE}:policy.none")
    old, new = dict(_parts(before)) if before else {}, dict(_parts(after))
    for key in {**new, **old}:
        was, then = old.get(key), new.get(key)
        if was is None or then is None:
            known = was or then
            assert known is not None  # noqa: S101 - the key comes from one of the two
            yield ChangeLine(part=known.label, before=was.shown if was else none, after=then.shown if then else none,
                               weaker=then is None)  # fmt: skip
        elif was.shown != then.shown:
            yield ChangeLine(part=then.label, before=was.shown, after=then.shown, weaker=then.strict < was.strict)


class _Part(NamedTuple):
    """One part of a policy: what to call it, what it says, how strict that is."""

    label: Both
    shown: Label
    strict: int = 0


def _parts(policy: Policy) -> Iterator[tuple[str, _Part]]:
    def label(name: str, **values: object) -> Both:
        return text(f"{PACKAGE}:{name}", **values)

    for rule in policy.rules:
        for direction in _DIRECTIONS:
            decision: Decision = getattr(rule, direction)
            title = label("policy.rule", category=label(f"category.{rule.category.value}"),
                          direction=label(f"direction.{direction}"))  # fmt: skip
            yield f"{rule.category}.{direction}", _Part(title, label(f"decision.{decision.value}"), decision.rank)
    for name in _COUNTED:
        count = len(getattr(policy, name))
        yield name, _Part(label(f"policy.{name}"), str(count), -count if name == "allowed_words" else count)
    yield "grade", _Part(label("policy.grade"), str(policy.grade), policy.grade)
    longest = policy.max_input_characters
    yield "longest", _Part(label("policy.longest"), f"{longest:,}", -longest)
    names = ", ".join(tool.name for tool in policy.tools) or "—"
    yield "tools", _Part(label("policy.tools"), names, -len(policy.tools))


@router.get("/systems/{system_id}/policy")
def policy(caller: Asking, view: Annotated[PolicyView, Depends(policy_view)]) -> Response:
    """Show the preview."""
    return caller.page.render("policy.html", view=view)


@router.post("/systems/{system_id}/policy")
def attach(system_id: str, caller: Asking, sent: Posted) -> Response:
    """Put the previewed policy in force; where it would come out differently by now, show the preview again."""
    with caller.work("policy.attach") as work:
        if work.guarding.compile(system_id).digest != sent["digest"]:
            raise Refused(f"{PACKAGE}:error.form-stale")
        work.guarding.attach(system_id, actor=caller.actor)
    caller.publish()
    return RedirectResponse(f"/systems/{system_id}", 303)
