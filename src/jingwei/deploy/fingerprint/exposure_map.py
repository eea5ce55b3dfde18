"""Hosts, their services, and who may use them: the map that the console draws."""

from collections.abc import Iterable
from ipaddress import ip_address

from jingwei.core.canonical import Json
from jingwei.deploy.scanned import Scanned

_KEPT = ("component", "name", "version", "auth", "tls", "also", "purl")


def exposure_map(scanned: Iterable[Scanned]) -> dict[str, Json]:
    """Return services by host, as JSON."""
    hosts: dict[str, dict[str, Json]] = {}
    for one in scanned:
        where = one.facts.get("address", "")
        if not where:
            continue
        address, _, port = where.rpartition(":")
        host = hosts.setdefault(address, {"loopback": ip_address(address).is_loopback, "services": []})
        services = host["services"]
        if isinstance(services, list):
            services.append(_service(one, int(port)))
    return {"hosts": [{"address": address, **hosts[address]} for address in sorted(hosts)]}


def _service(one: Scanned, port: int) -> dict[str, Json]:
    told: dict[str, Json] = {name: one.facts[name] for name in _KEPT if one.facts.get(name)}
    worst = one.worst.value if one.worst else None
    return {"port": port, "url": one.path, "format": one.format, **told, "worst": worst, "verdict": one.verdict.value,
            "rules": [*sorted({each.rule_id for each in one.findings})]}  # fmt: skip
