"""The words for why the guard or the gateway decided as it did."""

from jingwei.core.text import Both, text

_PACKAGES = ("deploy.guard", "faces.gateway", "core", "operate.label", "manage")


def reason_of(key: str) -> Both | str:
    """Return the text of an event's reason; the key itself, where no catalogue has it."""
    if not key:
        return ""
    for package in _PACKAGES:
        try:
            return text(f"{package}:{key}" if ":" not in key else key)
        except (KeyError, FileNotFoundError, ModuleNotFoundError):
            continue
    return key
