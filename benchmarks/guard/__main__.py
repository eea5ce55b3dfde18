"""Every benchmark of the guard, one after the other: `./dev bench guard [DATA_FOLDER] [--peers VENV_FOLDER]`.

Each script stands alone too (`./dev bench guard/keywords --help`). CPU time and ratios inside one run are the result; a
busy host inflates the time and not the ratios. Peers are run where their virtual environments are given:

    peers/
      llm-guard/  nemoguardrails/  presidio/  litellm/     each made by `python -m venv` and `pip install`
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
NEEDS_DATA = {"evasion", "semantic", "injection", "grounding"}
ORDER = ("keywords", "evasion", "personal", "semantic", "injection", "topic", "grounding", "tools", "access", "gateway")
PEERS = {"personal": ("--presidio", "presidio"), "gateway": ("--peer-python", "litellm")}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path, nargs="?", help="folder with the public data sets; what needs it is left out without")
    options.add_argument("--peers", type=Path, help="folder with one virtual environment a peer")
    options.add_argument("--only", nargs="*", choices=ORDER, help="run these alone")
    given = options.parse_args()
    failed = []
    for name in given.only or ORDER:
        if name in NEEDS_DATA and given.data is None:
            print(f"\n── {name}: left out, it needs the data folder", flush=True)
            continue
        words = [sys.executable, str(HERE / f"{name}.py"), *([str(given.data)] if name in NEEDS_DATA else [])]
        flag, folder = PEERS.get(name, ("", ""))
        if flag and given.peers and (python := given.peers / folder / "bin/python").exists():
            words += [flag, str(python)]
        print(f"\n── {name}", flush=True)
        began = time.monotonic()
        if subprocess.run(words, check=False).returncode:
            failed.append(name)
        print(f"   ({time.monotonic() - began:.0f} s)", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
