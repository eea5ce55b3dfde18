"""Registering a System from its `system.yaml`."""

from dataclasses import dataclass

from jingwei.faces.console.views.parts import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """The form that takes a file."""

    form: Form
    example: str
