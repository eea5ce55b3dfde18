"""A second opinion on Python from bandit, where it is installed: its own process, no network, bounded in time and size.

Only a prompt whose facts ask for it gets one, so that a verdict does not depend on what a machine happens to have. Text
goes in by standard input; bandit parses and never runs it. Finds of low severity or low confidence are left out.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from jingwei.develop.evaluate.code.weaknesses import Weakness

_SECONDS, _LONGEST, _MOST = 20.0, 20_000, 100


class PeerError(Exception):
    """There was no opinion to be had; the first argument is a stable code."""


async def bandit(code: str) -> tuple[Weakness, ...]:
    """Ask bandit about a piece of Python.

    Raises:
        PeerError: it is not installed, takes too long, or says what cannot be read.
    """
    program = shutil.which("bandit") or shutil.which("bandit", path=str(Path(sys.executable).parent))
    if program is None:
        raise PeerError("bandit-missing")
    with tempfile.TemporaryDirectory() as empty:  # no settings of anybody's project are read
        process = await asyncio.create_subprocess_exec(
            program, "-q", "-ll", "-ii", "-f", "json", "-", cwd=empty, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            said, _ = await asyncio.wait_for(process.communicate(code[:_LONGEST].encode()), _SECONDS)
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise PeerError("bandit-timeout") from error
    try:
        found = json.loads(said)["results"][:_MOST]
        return tuple(
            Weakness(f"bandit.{each['test_id']}", f"CWE-{int(each['issue_cwe']['id'])}", int(each["line_number"]))
            for each in found
        )
    except (ValueError, KeyError, TypeError) as error:
        raise PeerError("bandit-unreadable") from error
