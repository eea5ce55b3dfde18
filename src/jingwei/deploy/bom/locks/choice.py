"""Which reader a file has, by its name."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from jingwei.deploy.bom.component import Component
from jingwei.deploy.bom.locks import compiled, javascript, python, requirements

LockReader = Callable[[Path], Iterator[Component]]
_READERS: tuple[tuple[re.Pattern[str], LockReader], ...] = (
    (re.compile(r"(?:.*[-_.])?(?:requirements|constraints)(?:[-_.].*)?\.(?:txt|in|lock)"), requirements.requirements),
    (re.compile(r"pyproject\.toml"), requirements.pyproject),
    (re.compile(r"uv\.lock"), python.uv_lock),
    (re.compile(r"poetry\.lock"), python.poetry_lock),
    (re.compile(r"Pipfile\.lock"), python.pipfile_lock),
    (re.compile(r"pylock(?:\.[^.]+)?\.toml"), python.pylock),
    (re.compile(r"(?:conda-)?environment(?:[-_.].*)?\.ya?ml|env\.ya?ml|conda\.ya?ml"), python.conda),
    (re.compile(r"package-lock\.json|npm-shrinkwrap\.json|\.package-lock\.json"), javascript.npm_lock),
    (re.compile(r"pnpm-lock\.ya?ml"), javascript.pnpm_lock),
    (re.compile(r"yarn\.lock"), javascript.yarn_lock),
    (re.compile(r"go\.mod"), compiled.go_mod),
    (re.compile(r"Cargo\.lock"), compiled.cargo_lock),
    (re.compile(r"pom\.xml|.*\.pom"), compiled.maven_pom),
)


def lock_reader(name: str) -> LockReader | None:
    """Return what reads a file of this name; none where it is no lock file."""
    return next((reader for pattern, reader in _READERS if pattern.fullmatch(name)), None)
