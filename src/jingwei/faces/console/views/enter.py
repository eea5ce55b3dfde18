"""Entering evidence that people make: a record, or a document."""

from dataclasses import dataclass

from jingwei.faces.console.views.parts import Choice, Form


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterView:
    """The form to enter a record or a document for one System."""

    system_id: str
    system: str
    types: tuple[Choice, ...]
    form: Form
