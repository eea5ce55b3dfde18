"""What a running model server on this machine serves, asked with a handful of reading requests.

Loopback addresses alone; no proxy, no redirect, bounded answers. OpenAI-compatible servers say their models under
`/v1/models`, Ollama under `/api/tags` and `/api/show`.
"""

import ipaddress
import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from jingwei.core.errors import InputError, Unavailable
from jingwei.deploy.bom.agents import bare_address
from jingwei.deploy.bom.component import Component, package_url
from jingwei.deploy.bom.models import spdx
from jingwei.deploy.bom.reading import as_mapping, line_of

_LARGEST = 8 * 1024 * 1024
_SECONDS = 10
_MOST_MODELS = 500


def read_endpoint(address: str) -> Iterator[Component]:
    """Give the service and the models it serves.

    Raises:
        InputError: the address is not one of this machine.
        Unavailable: nothing answers there, or it is no model server.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "http" or not _is_loopback(host):
        raise InputError("deploy.bom:not-loopback", field="target", address=line_of(bare_address(address)))
    port = parts.port or 80
    ollama = as_mapping(_get(host, port, "/api/tags"))
    version = line_of(as_mapping(_get(host, port, "/api/version")).get("version"), 60)
    if isinstance(ollama.get("models"), list) and version:
        yield Component(kind="service", name="ollama", version=version, purl=package_url("generic", "ollama", version),
                        facts={"endpoint": bare_address(address)})  # fmt: skip
        yield from _ollama(host, port, ollama["models"])
        return
    base = parts.path.rstrip("/")
    listed = as_mapping(_get(host, port, f"{base}/models" if base else "/v1/models")).get("data")
    if not isinstance(listed, list):
        raise Unavailable("deploy.bom:no-endpoint", field="target", address=line_of(bare_address(address)))
    yield Component(kind="service", name=line_of(_product(listed)) or host, facts={"endpoint": bare_address(address)})
    for entry in map(as_mapping, listed[:_MOST_MODELS]):
        name = line_of(entry.get("id"))
        if name:
            base_model = line_of(entry.get("root"))
            facts = {"served-at": bare_address(address)}
            yield Component(kind="model", name=name.rpartition("/")[2] if name.startswith("/") else name, facts=facts,
                            supplier=line_of(entry.get("owned_by")),
                            rests_on=(base_model,) if base_model and base_model != name else ())  # fmt: skip


def _product(listed: list[Any]) -> str:  # Any: JSON
    owners = {line_of(as_mapping(each).get("owned_by")) for each in listed}
    return next(
        (each for each in sorted(owners) if each in {"vllm", "sglang", "llamacpp", "lmdeploy", "xinference"}), ""
    )


def _ollama(host: str, port: int, models: list[Any]) -> Iterator[Component]:  # Any: JSON
    for entry in map(as_mapping, models[:_MOST_MODELS]):
        name = line_of(entry.get("name") or entry.get("model"))
        if not name:
            continue
        shown = as_mapping(_get(host, port, "/api/show", {"model": name}))
        said, details = as_mapping(shown.get("model_info")), as_mapping(shown.get("details") or entry.get("details"))
        sha256 = line_of(entry.get("digest"), 80).removeprefix("sha256:")
        parent = line_of(details.get("parent_model"))
        facts = {"architecture": line_of(said.get("general.architecture")) or line_of(details.get("family")),
                 "parameters": line_of(details.get("parameter_size")), "format": line_of(details.get("format")),
                 "quantisation": line_of(details.get("quantization_level"))}  # fmt: skip
        yield Component(
            kind="model", name=name, version=sha256[:12], sha256=sha256 if len(sha256) == 64 else "",
            licence=spdx(line_of(said.get("general.license"))), supplier=line_of(said.get("general.organization")),
            rests_on=(parent,) if parent else (), facts={key: value for key, value in facts.items() if value},
        )  # fmt: skip


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _get(host: str, port: int, path: str, asked: dict[str, str] | None = None) -> Any:  # Any: JSON
    """Ask once; none where nothing usable comes back."""
    connection = HTTPConnection(host, port, timeout=_SECONDS)
    try:
        body = json.dumps(asked) if asked else None
        connection.request(
            "POST" if asked else "GET", path, body, {"Content-Type": "application/json"} if asked else {}
        )
        answer = connection.getresponse()
        content = answer.read(_LARGEST + 1)
        return json.loads(content) if answer.status == 200 and len(content) <= _LARGEST else None
    except (OSError, HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
