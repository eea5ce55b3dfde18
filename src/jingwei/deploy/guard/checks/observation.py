"""What a running gateway tells about itself, and the bindings that follow from it."""

from pydantic import BaseModel, ConfigDict

from jingwei.core.canonical import Json
from jingwei.core.check import Run
from jingwei.core.configuration import deployment_digest
from jingwei.core.errors import Unavailable
from jingwei.core.evidence import Binding, BoundTo
from jingwei.core.finding import Finding, Location, Severity
from jingwei.core.probe import ask
from jingwei.core.text import text
from jingwei.deploy.guard.compile import Enforced


class Observation(BaseModel):
    """The answer of `/jingwei/configuration`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    system_id: str
    gateway: str
    policy: str
    model: str
    prompt: str
    tools: str
    enforced: Enforced
    snapshot_age_seconds: float
    snapshot_limit_seconds: float
    modes: dict[str, str]

    @property
    def deployment(self) -> Binding:
        """Return the binding of evidence about this deployment."""
        return Binding(to=BoundTo.DEPLOYMENT, digest=deployment_digest(self.gateway, self.policy), observed=True)


def observe(run: Run) -> Observation:
    """Ask the gateway what it enforces.

    Raises:
        Unavailable: it is not there, does not serve this run, or does not tell.
    """
    told: dict[str, Json] = ask(run, "/jingwei/configuration").value
    try:
        return Observation.model_validate(told)
    except ValueError as error:
        raise Unavailable("deploy.guard.checks:gateway-silent", field="target", url=run.target.locator) from error


def problem(rule_id: str, severity: Severity, *, place: str, **values: object) -> Finding:
    """Return a finding whose texts lie in the catalogue under its rule."""
    name = rule_id.partition(".")[2]
    return Finding(
        rule_id=rule_id,
        severity=severity,
        title=text(f"deploy.guard.checks:{name}-title", place=place, **values),
        detail=text(f"deploy.guard.checks:{name}-detail", place=place, **values),
        remedy=text(f"deploy.guard.checks:{name}-remedy", place=place, **values),
        location=Location(path=place),
    )
