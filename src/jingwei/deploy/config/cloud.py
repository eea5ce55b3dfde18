"""Cloud policies and resources: who may do what, which bucket is public, which disk is not encrypted."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict

from jingwei.core.package_data import package_data
from jingwei.deploy.config.workload import Note
from jingwei.deploy.config.yaml_tree import Items, Table

_SOURCES = ("cidr_blocks", "ipv6_cidr_blocks", "cidr_ip", "CidrIp", "CidrIpv6", "cidr_ipv4", "cidr_ipv6")
_MFA = re.compile(r"(?i)multifactorauth|MFAPresent")
_OPEN_WORLD = frozenset({"0.0.0.0/0", "::/0"})
_AI_PORTS = {
    11434,
    8000,
    8080,
    8265,
    8888,
    5000,
    7860,
    6333,
    19530,
    8188,
    30000,
    4000,
    6006,
    8501,
    9200,
    6379,
    27017,
    5432,
    3306,
    22,
    3389,
    2375,
    6443,
    10250,
}
_POWERFUL = re.compile(r"(?i)^(iam|ram|sts|organizations|kms|secretsmanager|sagemaker|bedrock|pai|dashscope):\*$")


class Attribute(BaseModel):
    """One attribute that must not have one of these values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    types: tuple[str, ...]
    attribute: tuple[str, ...]
    is_: tuple[str, ...]
    absent: bool = False
    rule: str
    severity: str = ""


@lru_cache(maxsize=1)
def attributes() -> tuple[Attribute, ...]:
    """Return the table."""
    rows = package_data(__package__, "cloud.yaml")
    return tuple(
        Attribute.model_validate({("is_" if name == "is" else name): value for name, value in row.items()})
        for row in rows
    )


def is_policy(document: Any) -> bool:  # Any: a parsed document
    """Tell whether a document is a policy of statements."""
    return (
        isinstance(document, Table) and "Statement" in document and isinstance(document.get("Statement"), Items | Table)
    )


def policy_notes(document: Table) -> Iterator[Note]:
    """Give what a policy allows too much of."""
    held = document.get("Statement")
    statements = held.tables() if isinstance(held, Items) else [held] if isinstance(held, Table) else []
    for each in statements:
        if each.text("Effect") == "Allow":
            yield from _statement(each)


def _statement(each: Table) -> Iterator[Note]:
    actions, resources = _texts(each.get("Action")), _texts(each.get("Resource"))
    condition = str(dict(each.table("Condition")))
    everyone = _everyone(each.get("Principal"))
    if everyone and "Condition" not in each:
        yield Note("config.public-bucket", each.at("Principal"), f"Principal: * · {', '.join(sorted(actions))[:50]}")
        return
    every = "*" in resources or "acs:*:*:*:*" in resources
    if {"*", "*:*"} & actions and every:
        yield Note("config.any-right", each.at("Action"), "Action: *, Resource: *")
        if not _MFA.search(condition):
            yield Note("config.no-mfa", each.line, "Action: *")
    elif every:
        for action in sorted(actions):
            if _POWERFUL.match(action):
                yield Note("config.wide-right", each.at("Action"), action)
            elif action.endswith(":*"):
                yield Note("config.wide-right", each.at("Action"), action, severity="medium")
    if any(re.match(r"(?i)(iam|ram):PassRole$", action) for action in actions) and every and "Condition" not in each:
        yield Note("config.wide-right", each.at("Action"), "PassRole *")


def _everyone(principal: Any) -> bool:  # Any: a parsed value
    if isinstance(principal, Table):
        return any("*" in _texts(value) for value in principal.values())
    return "*" in _texts(principal)


def _texts(value: Any) -> set[str]:  # Any: a parsed value
    if isinstance(value, Items):
        return {str(each) for each in value if not isinstance(each, Table)}
    return set() if value is None or isinstance(value, Table) else {str(value)}


def resources(document: Any) -> Iterator[tuple[str, Table, int]]:  # Any: a parsed document
    """Give the resources of a Terraform plan or a CloudFormation template, each with its type."""
    if not isinstance(document, Table):
        return
    for each in document.table("Resources").values():
        if isinstance(each, Table) and "::" in each.text("Type"):
            yield each.text("Type"), each.table("Properties"), each.line
    planned = document.table("planned_values").table("root_module")
    waiting = [planned]
    while waiting and len(waiting) < 1000:
        module = waiting.pop()
        waiting += module.items_of("child_modules").tables()
        for each in module.items_of("resources").tables():
            yield each.text("type"), each.table("values"), each.line


def resource_notes(kind: str, given: Table, line: int) -> Iterator[Note]:
    """Give what is wrong with one resource."""
    for row in attributes():
        if kind in row.types:
            yield from _judged(row, given, line)
    if "security_group" in kind.lower() or kind == "AWS::EC2::SecurityGroup":
        yield from _open_ports(given, line)
    for key in ("policy", "PolicyDocument", "AssumeRolePolicyDocument"):
        if is_policy(given.get(key)) and key != "AssumeRolePolicyDocument":
            yield from policy_notes(given.table(key))


def _judged(row: Attribute, given: Table, line: int) -> Iterator[Note]:
    found = False
    for name in row.attribute:
        owner, values = _reach(given, name.split("."))
        if owner is None:
            continue
        found = True
        for value in values:
            if value in row.is_ or (row.absent and value == "" and not row.is_):
                yield Note(row.rule, owner.at(name.rpartition(".")[2]), f"{name} = {value}", severity=row.severity)
                return
    if not found and row.absent:
        yield Note(row.rule, line, f"{row.attribute[0]}", severity=row.severity)


def _reach(given: Table, path: list[str]) -> tuple[Table | None, set[str]]:
    here: Any = given  # Any: a parsed value
    for name in path[:-1]:
        here = here.get(name) if isinstance(here, Table) else None
        if isinstance(here, Items):
            here = next(iter(here), None)
    if not isinstance(here, Table) or path[-1] not in here:
        return None, set()
    value = here[path[-1]]
    return here, {
        str(each).lower() if isinstance(each, bool) else str(each)
        for each in (value if isinstance(value, Items) else [value])
    }


def _open_ports(given: Table, line: int) -> Iterator[Note]:
    if given.text("type") == "egress":
        return
    nested = [*given.items_of("ingress").tables(), *given.items_of("SecurityGroupIngress").tables(),
              *([given.table("ingress")] if isinstance(given.get("ingress"), Table) else [])]  # fmt: skip
    for each in nested or [given]:
        sources = {text for key in _SOURCES for text in _texts(each.get(key))}
        if not sources & _OPEN_WORLD:
            continue
        first, last = _range(each)
        if first <= 0 and last in {0, -1, 65535}:
            yield Note("config.open-port", each.line or line, "0-65535")
        elif any(first <= port <= last for port in _AI_PORTS):
            yield Note("config.open-port", each.line or line, f"{first}-{last}" if first != last else str(first))


def _range(each: Table) -> tuple[int, int]:
    low, _, high = each.text("port_range").partition("/")
    first = each.text("from_port") or each.text("FromPort") or low
    last = each.text("to_port") or each.text("ToPort") or high
    try:
        return int(float(first)), int(float(last))
    except (ValueError, OverflowError):
        return 1, 0
