"""Who answers for one component."""

from dataclasses import dataclass

from jingwei.faces.console.views.parts import Choice, Form


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersView:
    """The form that names who answers for a component."""

    system_id: str
    system: str
    component_id: str
    component: str
    kind: str
    others: tuple[Choice, ...]
    """Components it may rest on."""
    form: Form
