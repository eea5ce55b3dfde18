"""Which kind of configuration a file is, by its name and by what it says."""

import re
from pathlib import PurePosixPath

from jingwei.deploy.config.nginx import is_nginx

_DOCKERFILE = re.compile(r"(?i)^(dockerfile|containerfile)(\..+)?$|\.(dockerfile|containerfile)$")
_UNIT = re.compile(r"(?i)\.(service|container)$")
_ENVIRONMENT = re.compile(r"(?i)^\.env(\..+)?$|\.env$|^env\.(prod|production|example)$")
_PROPERTIES = re.compile(r"(?i)^config\.properties$")
CANDIDATE = re.compile(
    r"(?i)dockerfile|containerfile|\.(ya?ml|json|conf|service|container|env|sh|bash|tf|properties|template|cfg)$|(^|/)\.env|(^|/)caddyfile|(^|/)nginx|user-data|user_data"
    r"|sites-(enabled|available)/|(^|/)(entrypoint|start|run|launch|serve)$|jupyter\w*_config\.py$"
)


_BY_NAME = (
    (_UNIT, "systemd"), (_ENVIRONMENT, "environment"), (_PROPERTIES, "properties"),
    (re.compile(r"(?i)\.(ya?ml|json)$"), "yaml"), (re.compile(r"(?i)\.tf$"), "terraform"),
    (re.compile(r"(?i)^caddyfile(\..+)?$"), "caddy"), (re.compile(r"(?i)\.(sh|bash)$"), "script"),
    (re.compile(r"(?i)^jupyter\w*_config\.py$"), "jupyter"),
)  # fmt: skip


def kind_of(name: str, text: str) -> str:
    """Return what a file is, or nothing where it is no configuration that is known."""
    base = PurePosixPath(name).name
    if _DOCKERFILE.search(base) and re.search(r"(?im)^[ \t]*FROM\s", text):
        return "dockerfile"
    if text.startswith("#cloud-config"):
        return "cloud-init"
    if base.lower().endswith(".conf") and re.search(r"(?m)^\[Service\]\s*$", text):
        return "drop-in"
    named = next((kind for pattern, kind in _BY_NAME if pattern.search(base)), "")
    if not named and re.match(r"#!.*\b(ba|z|da|k)?sh\b", text):
        return "script"
    return named or ("nginx" if is_nginx(text) else "")
