"""The kinds of scan, each in the package that knows how; imported only when it is asked for."""

from importlib import import_module
from typing import cast

from jingwei.deploy.scanned import Scanner

KINDS = {
    "model": "jingwei.deploy.artifacts.scanner",
    "bom": "jingwei.deploy.bom.scanner",
    "advisories": "jingwei.deploy.advisories.scanner",
    "exposure": "jingwei.deploy.fingerprint.scanner",
    "code": "jingwei.deploy.code.scanner",
    "config": "jingwei.deploy.config.scanner",
    "agents": "jingwei.deploy.agents.scanner",
}


def scanner(kind: str) -> Scanner:
    """Return one kind of scan.

    Raises:
        KeyError: there is no such kind.
    """
    return cast("Scanner", import_module(KINDS[kind]))
