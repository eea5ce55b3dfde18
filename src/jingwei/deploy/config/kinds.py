"""Which kind of configuration a file is, by its name and by what it says."""

import re
from pathlib import PurePosixPath

from jingwei.deploy.config.nginx import is_nginx

_DOCKERFILE = re.compile(r"(?i)^(dockerfile|containerfile)(\..+)?$|\.(dockerfile|containerfile)$")
_UNIT = re.compile(r"(?i)\.(service|container)$")
_ENVIRONMENT = re.compile(r"(?i)^\.env(\..+)?$|\.env$|^env\.(prod|production|example)$")
_PROPERTIES = re.compile(r"(?i)^config\.properties$")
CANDIDATE = re.compile(
    r"(?i)dockerfile|containerfile|\.(ya?ml|json|conf|service|container|env|sh|bash|tf|properties|template|cfg)$|^\.env|(^|/)nginx|user-data|user_data"
    r"|sites-(enabled|available)/|(^|/)(entrypoint|start|run|launch|serve)$|jupyter\w*_config\.py$"
)


_BY_NAME = (
    (_UNIT, "systemd"), (_ENVIRONMENT, "environment"), (_PROPERTIES, "properties"),
    (re.compile(r"(?i)\.(ya?ml|json)$"), "yaml"), (re.compile(r"(?i)\.tf$"), "terraform"),
    (re.compile(r"(?i)\.(sh|bash)$"), "script"), (re.compile(r"(?i)^jupyter\w*_config\.py$"), "jupyter"),
)  # fmt: skip


def kind_of(name: str, text: str) -> str:
    """Return what a file is, or nothing where it is no configuration that is known."""
    base = PurePosixPath(name).name
    if _DOCKERFILE.search(base) and re.search(r"(?im)^[ \t]*FROM\s", text):
        return "dockerfile"
    if text.startswith("#cloud-config"):
        return "cloud-init"
    named = next((kind for pattern, kind in _BY_NAME if pattern.search(base)), "")
    if named:
        return named
    if re.match(r"#!.*\b(ba|z|da|k)?sh\b", text):
        return "script"
    return "nginx" if is_nginx(text) else ""
