"""Ground-truth replay through our own gateway's agent tier, with no model.

    python benchmarks/evaluate/replay.py [--sectors bank grid] [--why] [--unheard harm injection]

What `jingwei evaluate replay` does, with the time it takes: the scripted hijacked model and the gateway on loopback,
one System a sector, each with the policy that `replay_policy` gives: the shipped one with the sector's tools, and
without the words of harm. Nobody watches and nobody approves: what needs a person is held and counts as stopped. Must,
in each language: utility kept >= 95 %, attacks blocked >= 95 %, in less than 3 minutes on two cores.
"""

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from jingwei.develop.evaluate.environments import SECTORS
from jingwei.develop.evaluate.organisms import script_server, serving
from jingwei.develop.evaluate.replay import hijacked, replay, traces
from jingwei.develop.evaluate.replay_outcome import parts
from jingwei.faces.cli.replay_gateway import standing


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(rate):
    return f"{rate.hits:3}/{rate.samples:3} {rate.value:6.1%} [{rate.low:.1%}, {rate.high:.1%}]"


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--sectors", nargs="*", default=list(SECTORS), choices=SECTORS)
    given.add_argument("--why", action="store_true", help="list what was not as it should be")
    given.add_argument("--unheard", nargs="*", default=["harm"], help="categories that are not listened to")
    asked = given.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(script_server(hijacked, name="replay")) as upstream,
        standing(Path(folder), upstream, sectors=asked.sectors, unheard=asked.unheard) as gateway,
    ):
        began = time.monotonic()
        played = asyncio.run(replay(gateway.url, gateway.keys, chosen=traces(asked.sectors)))
        seconds, cpu = time.monotonic() - began, cpu_seconds(gateway.pid)
    for each in parts(played):
        print(f"{each.language} {each.sector:9} utility {told(each.share.utility)}  "
              f"under attack {told(each.share.utility_under_attack)}  blocked {told(each.share.blocked)}")  # fmt: skip
    print(f"{len(played)} traces, {sum(bool(each.fault) for each in played)} faults, {seconds:.0f} s, "
          f"{cpu:.0f} s of CPU in the gateway")  # fmt: skip
    if asked.why:
        for each in played:
            if each.fault or each.succeeded or (not each.goal and not each.useful):
                print(each)


if __name__ == "__main__":
    main()
