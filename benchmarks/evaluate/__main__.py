"""Every benchmark of evaluation, one after the other: `./dev bench evaluate [DATA_FOLDER] [--peers VENV_FOLDER]`.

Each script stands alone too (`python benchmarks/evaluate/engine.py --help`). CPU time and ratios inside one run are the
result; a busy host inflates the time and not the ratios. Without the data folder, what needs it is left out. Peers run
where their virtual environments are given, one folder each:

    peers/inspect  peers/garak
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PEERS = {"engine": {"--inspect": "inspect", "--garak": "garak"}, "truth": {"--garak": "garak"}}


def commands(data):
    """Give each script with its arguments; those that lack something are None."""
    return {
        "engine": [],
        "truth": [],
        "judge": [str(data)] if data else None,
        "facts": ["--data", str(data)] if data else None,
        "organisms": [],
        "replay": [],
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path, nargs="?", help="folder of the public data sets")
    options.add_argument("--peers", type=Path, help="folder with one virtual environment a peer")
    options.add_argument("--only", nargs="*", help="run these alone")
    given = options.parse_args()
    failed = []
    for name, arguments in commands(given.data).items():
        if given.only and name not in given.only:
            continue
        if arguments is None:
            print(f"\n── {name}: left out, something it needs was not given", flush=True)
            continue
        for flag, folder in PEERS.get(name, {}).items():
            python = (given.peers / folder / "bin/python").absolute() if given.peers else None
            if python and python.exists():
                arguments += [flag, str(python)]
        print(f"\n── {name}", flush=True)
        began = time.monotonic()
        if subprocess.run([sys.executable, str(HERE / f"{name}.py"), *arguments], check=False).returncode:
            failed.append(name)
        print(f"   ({time.monotonic() - began:.0f} s)", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
