"""The words for why the guard or the gateway decided as it did."""

from jingwei.core.text import Both, text

_PACKAGES = ("deploy.guard", "faces.gateway", "core", "operate.label", "manage")


def own_rule(rule_id: str) -> Both | str:
    """Return what a rule of the guard itself is called, such as `tool.needs-person`; its id, where it has no name."""
    try:
        return text(f"faces.console:guard-rule.{rule_id}")
    except KeyError:
        return rule_id


def reason_of(key: str) -> Both | str:
    """Return the text of an event's reason; the key itself, where no catalogue has it."""
    if not key:
        return ""
    for package in _PACKAGES:
        try:
            return text(f"{package}:{key}" if ":" not in key else key)
        except (KeyError, FileNotFoundError, ModuleNotFoundError):
            continue
    return own_rule(key)
