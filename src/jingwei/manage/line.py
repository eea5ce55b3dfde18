"""The line above which nothing is served, by nobody's signature and by no path."""

from jingwei.catalog import GateEffect
from jingwei.core.errors import Refused
from jingwei.manage.decision import GradeDecision

ABOVE_THE_LINE = (GateEffect.PROHIBITED, GateEffect.BLOCK_DEVELOP, GateEffect.BLOCK_DEPLOY)
"""Effects that rule out every token, for an assessment too. A `hold` closes the gate but may be assessed."""


def demand_below_the_line(decision: GradeDecision) -> None:
    """Refuse a prohibited use and a capability above the line.

    Raises:
        Refused: names the hard stop.
    """
    stop = decision.stopped(*ABOVE_THE_LINE)
    if stop is not None:
        raise Refused("manage:above-the-line", field="facts", id=stop.id, why=stop.why)
