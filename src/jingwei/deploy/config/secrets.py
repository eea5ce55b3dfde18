"""Secrets and default passwords in configuration."""

import re
from functools import lru_cache

from jingwei.core.policy import Category
from jingwei.detect.pattern_detector import PatternDetector
from jingwei.detect.validators import random_looking

_NAME = re.compile(
    r"(?i)(api|access|secret|private|auth|encryption|signing|master|admin|app)[_-]?(key|token|secret|pass)"
    r"|password|passwd|_pwd$|secret_key|_token$|^token$|credential"
)
_NOT_HELD = re.compile(
    r"^\s*$|[$<>{}]|(?i:your[-_ ]|change[-_]?me|example|placeholder|redacted|xxxx|^/|^https?:|_file$"
    r"|^(?:none|null|true|false|\*+)$)"
)
_DEFAULT = frozenset({
    "admin", "password", "123456", "12345678", "root", "postgres", "minioadmin", "minio123", "sk-1234", "changeme",
    "change-me", "secret", "test", "guest", "default", "langflow", "difyai123456", "dify123456", "infini_rag_flow",
    "admin123", "password123", "qwerty", "letmein", "toor", "elastic", "neo4j", "redis", "mysql", "ollama", "litellm",
    "miniosecret", "chatgpt", "openai", "1234", "12345", "pass", "passwd", "p@ssw0rd", "admin@123", "lobe-chat",
})  # fmt: skip


@lru_cache(maxsize=1)
def _detector() -> PatternDetector:
    return PatternDetector("secrets", category=Category.SECRET)


def names_secret(name: str) -> bool:
    """Tell whether a setting's name says that it holds a secret."""
    return _NAME.search(name) is not None and not name.upper().endswith(("_FILE", "_PATH", "_NAME", "_URL", "_ID"))


def is_default(name: str, value: str) -> bool:
    """Tell whether a secret is one that everyone knows."""
    return names_secret(name) and value.strip().lower() in _DEFAULT


def secret_named(name: str, value: str) -> bool:
    """Tell whether a setting holds a secret rather than a place where one lies."""
    if _NOT_HELD.search(value):
        return False
    if has_secret(f"{name}={value}"):
        return True
    if not names_secret(name) or is_default(name, value):
        return False
    return len(value) >= 8 and bool(re.search(r"\d", value)) and (random_looking(value) or "pass" in name.lower())


def has_secret(text: str) -> bool:
    """Tell whether a text holds a key in a form that its issuer documents."""
    return any(not re.search(r"(?i)your|example|xxxx", text[hit.start : hit.end]) for hit in _detector().scan(text))


def masked(line: str) -> str:
    """Return a line with its secrets cut."""
    for hit in sorted(_detector().scan(line), key=lambda each: -each.start):
        line = line[: hit.start] + line[hit.start : hit.start + 4] + "***" + line[hit.end :]
    return re.sub(
        r"(?i)((?:password|passwd|secret|token|key|pwd)[\w.-]*[\"']?\s*[=:]\s*[\"']?)([^\s\"'$#{}<>]{4})[^\s\"'#]+",
        r"\1***",
        line,
    )
