"""What a container may do to its host, judged in one way for compose, Kubernetes and `docker run`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jingwei.deploy.config.workload import Note, Setting

_DANGEROUS = frozenset({
    "ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "NET_ADMIN", "DAC_READ_SEARCH", "SYS_RAWIO", "BPF", "SYS_BOOT",
    "MAC_ADMIN",
})  # fmt: skip
_SOCKETS = re.compile(r"(docker|containerd|crio|podman)\.sock$")
_HOST_FOLDERS = re.compile(
    r"^/(etc|root|boot|proc|sys|var/lib/(kubelet|docker)|var/run|run|usr|lib|bin|sbin|home|dev)?/?$|^/etc/|^/root/"
)


@dataclass(frozen=True, slots=True)
class Container:
    """The facts; a line of 0 means that it is not so."""

    line: int = 0
    privileged: int = 0
    host_network: int = 0
    host_processes: int = 0
    added: tuple[tuple[str, int], ...] = ()
    unconfined: int = 0
    mounts: tuple[tuple[str, bool, int], ...] = ()
    """Folder of the host, whether read-only, line."""
    user: Setting | None = None
    limited: bool = False
    escalates: int = 0


def container_notes(container: Container) -> Iterator[Note]:
    """Give what is wrong."""
    plain = {
        "config.privileged": (container.privileged, "privileged: true"),
        "config.host-network": (container.host_network, "host network"),
        "config.host-processes": (container.host_processes, "pid: host"),
        "config.unconfined": (container.unconfined, "unconfined"),
        "config.escalation": (container.escalates, "allowPrivilegeEscalation: true"),
        "config.no-limits": (0 if container.limited else container.line, "memory"),
    }
    for rule, (line, what) in plain.items():
        if line:
            yield Note(rule, line, what)
    for name, line in container.added:
        if name.upper().removeprefix("CAP_") in _DANGEROUS:
            yield Note("config.capability", line, name)
    for source, read_only, line in container.mounts:
        if _SOCKETS.search(source):
            yield Note("config.engine-socket", line, source)
        elif _HOST_FOLDERS.match(source) and not (read_only and source.startswith(("/etc/localtime", "/etc/timezone"))):
            yield Note("config.host-folder", line, source, severity="low" if read_only else "")
    if container.user is not None and container.user.value in {"root", "0"}:
        yield Note("config.root-user", container.user.line, f"user: {container.user.value}")
