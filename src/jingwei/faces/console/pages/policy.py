"""Compiling a System's guard policy: a preview of what it changes and what lapses, then putting it in force."""

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from jingwei.core.errors import Refused
from jingwei.faces.console.caller import Asking, Posted, shows
from jingwei.faces.console.pages.evidence import type_name
from jingwei.faces.console.pages.policy_parts import change_lines
from jingwei.faces.console.views.parts import Link
from jingwei.faces.console.views.policy import PolicyView
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import may

router = APIRouter()
_DECIDES = (".inbound", ".outbound")


def policy_view(system_id: str, caller: Asking) -> PolicyView:
    """Compile the policy without putting it in force, and compare."""
    with caller.reading() as work:
        system = work.registry.system(system_id)
        found = work.guarding.preview(system_id)
    present = found.present.digest if found.present else ""
    first = () if found.present else _DECIDES  # of a first policy only what it decides is told, not every setting
    return PolicyView(
        system_id=system_id, system=system.name, present=present, digest=found.policy.digest,
        changes=change_lines(each for each in found.changes if not first or each.part.endswith(first)),
        lapses=tuple(Link(name=type_name(caller, each.type), url=f"/evidence/{each.id}") for each in found.lapses),
        may_attach=present != found.policy.digest and system.status != "retired"
        and may(caller.actor, "policy.attach", domain=system.domain),
    )  # fmt: skip


router.add_api_route("/systems/{system_id}/policy", shows("policy.html", policy_view))


@router.post("/systems/{system_id}/policy")
def attach(system_id: str, caller: Asking, sent: Posted) -> Response:
    """Put the previewed policy in force; where it would come out differently by now, show the preview again."""
    with caller.work("policy.attach") as work:
        if work.guarding.compile(system_id).digest != sent["digest"]:
            raise Refused(f"{PACKAGE}:error.form-stale")
        work.guarding.attach(system_id, actor=caller.actor)
    caller.publish()
    return RedirectResponse(f"/systems/{system_id}", 303)
