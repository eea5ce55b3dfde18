"""Workers: several gateway processes behind one address. They share the spool, the snapshot and the tallies alone.

The first process only starts the others, starts one anew that died, and tells all of them to stop; each then finishes
what it has under way.
"""

import logging
import multiprocessing
import signal
import socket
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

import uvicorn

from jingwei.core.signals import handling
from jingwei.faces.gateway.serve import calm, server_config
from jingwei.faces.gateway.settings import GatewaySettings

BACKLOG = 2048
_PAUSE_SECONDS = 1.0
_log = logging.getLogger(__name__)


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        OSError: the address is taken, or is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def run(settings: GatewaySettings, listener: socket.socket, *, workers: int) -> None:
    """Serve until told to stop."""
    if workers == 1:
        work(settings, listener)
        return
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = []
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        for each in processes:
            each.terminate()

    def begin() -> None:
        process = context.Process(target=work, args=(settings, listener), name="gateway")
        process.start()
        processes.append(process)
        if stopping:  # told so while this one started
            process.terminate()

    with handling(stop, signal.SIGINT, signal.SIGTERM):
        for _ in range(workers):
            begin()
        while any(each.is_alive() for each in processes):
            wait([each.sentinel for each in processes], timeout=_PAUSE_SECONDS)
            for each in [each for each in processes if not (stopping or each.is_alive())]:
                _log.warning("a gateway process ended with code %s; another takes its place", each.exitcode)
                processes.remove(each)
                begin()


def work(settings: GatewaySettings, listener: socket.socket) -> None:
    """Serve in this process until told to stop."""
    calm()
    host, port = listener.getsockname()[:2]
    uvicorn.Server(server_config(settings, host=host, port=port)).run(sockets=[listener])
