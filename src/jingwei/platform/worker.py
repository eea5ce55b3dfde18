"""The job process: `python -m jingwei.platform.worker`. One a host; started again when it dies.

It ends when its standard input closes (its parent is gone) or on SIGTERM; what was running goes on with the next start.
"""

import logging
import os
import select
import signal
import stat
import sys
import threading

from jingwei.core.jobs import JobWorker
from jingwei.core.settings import Settings
from jingwei.platform.execution import Execution
from jingwei.platform.platform import Platform


def main() -> None:
    """Work jobs off until told to stop."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    platform = Platform(Settings())
    platform.prepare()
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hear
    with JobWorker(platform.settings.jobs_url, handlers=platform.replays.handlers(Execution(platform).handlers())):
        while not ending.is_set() and not _orphaned():
            ending.wait(0.2)
    platform.close()


def _orphaned() -> bool:
    """Tell whether standard input is a pipe and its other end is closed; under a service manager it is none."""
    if sys.stdin is None or not stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        return False
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable) and os.read(sys.stdin.fileno(), 1) == b""


if __name__ == "__main__":
    main()
