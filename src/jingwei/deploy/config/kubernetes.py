"""Kubernetes objects: pods as workloads, how services open them, what roles may do."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from jingwei.deploy.config.container import Container, container_notes
from jingwei.deploy.config.dockerfile import tag_notes
from jingwei.deploy.config.words import command
from jingwei.deploy.config.workload import Note, Port, Reach, Setting, Workload, is_port
from jingwei.deploy.config.yaml_tree import Items, Table

_DEEPEST = 24
_KNOWN = frozenset({
    "APIService", "CSIDriver", "ClusterRole", "ClusterRoleBinding", "ConfigMap", "CustomResourceDefinition",
    "Endpoints", "EndpointSlice", "HorizontalPodAutoscaler", "Ingress", "IngressClass", "LimitRange", "Namespace",
    "NetworkPolicy", "PersistentVolume", "PersistentVolumeClaim", "PodDisruptionBudget", "PriorityClass",
    "ResourceQuota", "Role", "RoleBinding", "RuntimeClass", "Secret", "Service", "ServiceAccount", "StorageClass",
    "VolumeSnapshot", "VerticalPodAutoscaler", "ServiceMonitor", "PodMonitor", "Kustomization", "Component",
})  # fmt: skip
"""Kinds that start nothing."""
_OPEN = frozenset({"LoadBalancer", "NodePort"})


def is_kubernetes(document: Any) -> bool:  # Any: a parsed YAML document
    """Tell whether a document is a Kubernetes object."""
    return (
        isinstance(document, Table)
        and isinstance(document.get("apiVersion"), str)
        and isinstance(document.get("kind"), str)
    )


def read_objects(documents: Sequence[Table]) -> Iterator[tuple[Workload, list[Note]]]:
    """Give every container of a file's objects, and what is wrong with each object."""
    objects = [
        each for one in documents for each in (one.items_of("items").tables() if one.text("kind") == "List" else [one])
    ]
    opened = [_selector(each) for each in objects if _is_open(each, objects)]
    for each in objects:
        if each.text("kind") == "ConfigMap":
            yield _variables(each), []
        notes = list(_object_notes(each))
        if notes:
            yield Workload("kubernetes", each.table("metadata").text("name"), each.line, Reach.INSIDE), notes
        for pod in pods(each):
            public = pod.opened or any(selector and selector.items() <= pod.labels.items() for selector in opened)
            yield from _containers(pod.spec, public=public)


def unknown_kinds(documents: Sequence[Table]) -> set[str]:
    """Return the kinds of objects that start something, for all that is known, but show no container."""
    objects = [each for one in documents for each in (one, *one.items_of("items").tables())]
    kinds = {each.text("kind") for each in objects if not any(pods(each))}
    return {each for each in kinds - _KNOWN if not each.endswith("List")}


def _is_open(each: Table, objects: Sequence[Table]) -> bool:
    """Tell whether a service can be reached from outside the cluster; through an ingress counts if it asks no login."""
    if each.text("kind") != "Service":
        return False
    if each.table("spec").text("type") in _OPEN:
        return True
    name = each.table("metadata").text("name")
    return any(name in _backends(one) and not _asks_login(one) for one in objects if one.text("kind") == "Ingress")


def _backends(ingress: Table) -> set[str]:
    found = set()
    for rule in ingress.table("spec").items_of("rules").tables():
        for path in rule.table("http").items_of("paths").tables():
            backend = path.table("backend")
            found |= {backend.table("service").text("name"), backend.text("serviceName")}
    return found - {""}


def _asks_login(ingress: Table) -> bool:
    annotations = ingress.table("metadata").table("annotations")
    return any("auth" in name or "whitelist" in name or "allowlist" in name for name in annotations)


def _selector(service: Table) -> dict[str, Any]:  # Any: values of YAML
    return dict(service.table("spec").table("selector"))


def _variables(each: Table) -> Workload:
    """Return the entries of a ConfigMap as what they mostly become: variables of some container."""
    data = each.table("data")
    held = {name: Setting(value, data.at(name)) for name, value in data.items()
            if isinstance(value, str) and "\n" not in value}  # fmt: skip
    return Workload("kubernetes", each.table("metadata").text("name"), each.line, Reach.INSIDE, environment=held)


class Pod(NamedTuple):
    """One pod as some object describes it."""

    spec: Table
    labels: dict[str, Any]  # Any: values of YAML
    opened: bool
    """Whether the object itself asks for a service that is reached from outside."""


def pods(each: Table) -> Iterator[Pod]:
    """Give every pod that an object describes, however its kind is called and wherever in it the pod stands."""
    labels = dict(each.table("metadata").table("labels"))
    waiting: list[tuple[Any, dict[str, Any], bool, int]] = [(each, labels, False, 0)]  # Any: parts of YAML
    while waiting:
        here, labels, opened, depth = waiting.pop(0)
        if isinstance(here, Items) and depth < _DEEPEST:
            waiting += [(one, labels, opened, depth + 1) for one in here]
        if not isinstance(here, Table) or depth >= _DEEPEST:
            continue
        spec = _as_pod(here)
        if spec is not None:
            yield Pod(spec, labels, opened)
            continue
        labels = dict(here.table("metadata").table("labels")) or labels
        opened = opened or here.text("serviceType") in _OPEN
        waiting += [(one, labels, opened, depth + 1) for name, one in here.items() if name != "metadata"]


def _as_pod(here: Table) -> Table | None:
    """Return a mapping as a pod, where it holds containers, or one container as workflows and model servers have it."""
    if any("image" in one or "name" in one for one in here.items_of("containers").tables()):
        return here
    for key in ("container", "script", "model"):
        one = here.table(key)
        if ("image" in one and isinstance(one.get("image"), str)) or ("modelFormat" in one and key == "model"):
            pod = Table(here)
            pod.line, pod.lines = here.line, dict(here.lines)
            pod["containers"] = Items([one])
            return pod
    return None


def _containers(pod: Table, *, public: bool) -> Iterator[tuple[Workload, list[Note]]]:
    volumes = {
        each.text("name"): each.table("hostPath") for each in pod.items_of("volumes").tables() if "hostPath" in each
    }
    pod_security = pod.table("securityContext")
    host = pod.get("hostNetwork") is True
    first = True
    for each in [*pod.items_of("initContainers").tables(), *pod.items_of("containers").tables()]:
        workload = Workload(
            "kubernetes", each.text("name"), each.line, image=Setting(each.text("image"), each.at("image"))
        )
        workload.reach = Reach.HOST if host else Reach.PUBLISHED if public or _host_ports(each) else Reach.INSIDE
        workload.environment = {one.text("name"): Setting(one.text("value"), one.at("value"))
                                for one in each.items_of("env").tables() if "value" in one}  # fmt: skip
        words = [str(word) for key in ("command", "args") for word in each.items_of(key)]
        workload.commands = (
            list(command(words, line=each.at("args") if "args" in each else each.at("command"))) if words else []
        )
        workload.ports = [Port("", int(one.text("containerPort")), one.line) for one in each.items_of("ports").tables()
                          if is_port(one.text("containerPort"))]  # fmt: skip
        notes = [*tag_notes(each.text("image"), each.at("image")), *_security(each, pod_security, volumes)]
        if first:
            notes += _pod_notes(pod)
        first = False
        yield workload, notes


def _host_ports(container: Table) -> bool:
    return any("hostPort" in each for each in container.items_of("ports").tables())


def _pod_notes(pod: Table) -> Iterator[Note]:
    if pod.get("hostNetwork") is True:
        yield Note("config.host-network", pod.at("hostNetwork"), "hostNetwork: true")
    if pod.get("hostPID") is True or pod.get("hostIPC") is True:
        yield Note("config.host-processes", pod.at("hostPID"), "hostPID: true")


def _security(container: Table, pod_security: Table, volumes: dict[str, Table]) -> Iterator[Note]:
    security = container.table("securityContext")
    user = security.get("runAsUser", pod_security.get("runAsUser"))
    line = security.at("runAsUser") if "runAsUser" in security else pod_security.at("runAsUser")
    profile = security.table("seccompProfile").text("type") or pod_security.table("seccompProfile").text("type")
    mounted = {each.text("name"): each.get("readOnly") is True for each in container.items_of("volumeMounts").tables()}
    yield from container_notes(
        Container(
            line=container.line,
            privileged=security.at("privileged") if security.get("privileged") is True else 0,
            added=tuple((str(each), security.line) for each in security.table("capabilities").items_of("add")),
            unconfined=security.line or pod_security.line if profile == "Unconfined" else 0,
            mounts=tuple(
                (held.text("path"), mounted[name], held.line) for name, held in volumes.items() if name in mounted
            ),
            user=Setting(str(user), line) if user is not None else None,
            limited="memory" in container.table("resources").table("limits"),
            escalates=security.at("allowPrivilegeEscalation")
            if security.get("allowPrivilegeEscalation") is True
            else 0,
        )
    )


def _object_notes(each: Table) -> Iterator[Note]:
    kind = each.text("kind")
    if kind in {"Role", "ClusterRole"}:
        yield from _role_notes(each)
    elif kind in {"RoleBinding", "ClusterRoleBinding"}:
        role = each.table("roleRef").text("name")
        subjects = [one.text("name") for one in each.items_of("subjects").tables()]
        if role == "cluster-admin" and not all(name.startswith("system:masters") for name in subjects):
            yield Note("config.cluster-admin", each.table("roleRef").line, ", ".join(subjects)[:80])
        if {"system:anonymous", "system:unauthenticated"} & set(subjects):
            yield Note("config.anonymous-role", each.at("subjects"), role)
    elif kind == "Ingress" and "rules" in each.table("spec") and "tls" not in each.table("spec"):
        yield Note("config.no-tls", each.line, each.table("metadata").text("name"))


def _role_notes(each: Table) -> Iterator[Note]:
    for rule in each.items_of("rules").tables():
        verbs, resources = _texts(rule, "verbs"), _texts(rule, "resources")
        if "*" in verbs and "*" in resources:
            yield Note("config.any-right", rule.line, "verbs: *, resources: *")
        elif "secrets" in resources and each.text("kind") == "ClusterRole" and {"*", "list", "get"} & verbs \
                and "resourceNames" not in rule:  # fmt: skip
            yield Note("config.reads-secrets", rule.line, "secrets")
        if {"pods/exec"} & resources and {"create", "*"} & verbs:
            yield Note("config.runs-in-pods", rule.line, "pods/exec")


def _texts(owner: Table, key: str) -> set[str]:
    held = owner.get(key)
    return {str(each) for each in held} if isinstance(held, Items) else set()
