"""A cage for one child, run as a script of its own: no network, nothing of the disk writable but one folder, few means.

Started as `python -I -S cage.py '<json>'`; imports nothing but the standard library. Where the kernel refuses any of it
the child is not started, and the reason is the last line of standard error: `cage: <what>: <reason>`.
"""

import ctypes
import errno
import json
import os
import resource
import signal
import struct
import sys

NEW_USER, NEW_NETWORK, NEW_MOUNTS, NEW_PIDS, NEW_IPC = 0x10000000, 0x40000000, 0x00020000, 0x20000000, 0x08000000
_READ_ONLY, _NO_SUID, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 2, 32, 4096, 16384, 1 << 18
_KEPT = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024, "nodiratime": 2048, "relatime": 1 << 21}
_DEATH_SIGNAL, _NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 1, 38, 22, 2
_CONNECT = {"x86_64": (0xC000003E, 42), "aarch64": (0xC00000B7, 203)}
"""The kernel's number for the machine, and of `connect`: a socket of the disk is reached without any network."""
_IO_URING = 425
"""Would connect without asking; the same number on every machine."""
_REFUSED = 97

_libc = ctypes.CDLL(None, use_errno=True)


def _demand(what: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str, flags: int, *, data: str = "") -> int:
    return int(_libc.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode()))


def _alone(user: int, group: int) -> None:
    """Leave every namespace that leads outside."""
    _demand("unshare", _libc.unshare(NEW_USER | NEW_NETWORK | NEW_MOUNTS | NEW_PIDS | NEW_IPC))
    for name, content in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - this script stays small
            file.write(content)


def _sealed(writable: str) -> None:
    """Make all mounts read-only but one folder."""
    _demand("private mounts", _mount("none", "/", "", _RECURSIVE | _PRIVATE))
    _demand("home", _mount("tmpfs", writable, "tmpfs", _NO_SUID, data="size=64m,mode=0700"))
    if _mount("proc", "/proc", "proc", _NO_SUID) != 0:  # the old one shows every process's variables
        raise OSError(errno.EPERM, "a /proc of its own")
    with open("/proc/self/mountinfo", encoding="utf-8") as file:  # noqa: PTH123
        mounts = [
            (fields[4].encode().decode("unicode_escape"), fields[5].split(",")) for fields in map(str.split, file)
        ]
    for target, options in reversed(mounts):
        if target == writable or "ro" in options:
            continue
        kept = sum(_KEPT.get(option, 0) for option in options)
        if _mount("none", target, "", _REMOUNT | _BIND | _READ_ONLY | kept) != 0 and target == "/":
            _demand("read-only root", -1)


def _unconnected() -> None:
    """Let no call connect anything, and no other way round that be used."""
    machine, number = _CONNECT[os.uname().machine]
    program = [(0x20, 0, 0, 4), (0x15, 0, 4, machine), (0x20, 0, 0, 0), (0x15, 3, 0, number), (0x15, 2, 0, _IO_URING),
               (0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x00050000 | errno.EPERM)]  # fmt: skip
    code = b"".join(struct.pack("HBBI", *each) for each in program)
    held = ctypes.create_string_buffer(code)
    pointer = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(held)))
    _demand("no connections", _libc.prctl(_SECCOMP, _FILTER, ctypes.c_void_p(ctypes.addressof(pointer)), 0, 0))


def _limited(limits: dict[str, int]) -> None:
    for name, value in limits.items():
        number = getattr(resource, name)
        _soft, hard = resource.getrlimit(number)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (most, most))


def main() -> int:
    """Build the cage, start the child in it, and wait for it."""
    told = json.loads(sys.argv[1])
    try:
        _libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        _alone(os.getuid(), os.getgid())
        child = os.fork()
        if child:
            for number in (0, 1):
                os.close(number)
            _, status = os.waitpid(child, 0)
            return os.waitstatus_to_exitcode(status) & 0xFF
        _libc.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        _sealed(told["home"])
        _demand("no new privileges", _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _limited(told["limits"])
        _unconnected()
        os.chdir(told["folder"])
        os.execve(told["program"], told["arguments"], told["environment"])  # noqa: S606 - no shell is the point
    except (OSError, KeyError) as error:
        sys.stderr.write(f"cage: {error}\n")
        sys.stderr.flush()
    os._exit(_REFUSED)


if __name__ == "__main__":
    sys.exit(main())
