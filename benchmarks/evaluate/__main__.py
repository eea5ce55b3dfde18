"""Every benchmark of evaluation, one after the other: `./dev bench evaluate [DATA_FOLDER] [--peers VENV_FOLDER]`.

Each script stands alone too (`python benchmarks/evaluate/engine.py --help`). CPU time and ratios inside one run are the
result; a busy host inflates the time and not the ratios. Without the data folder, what needs it is left out. Peers run
where their virtual environments are given, one folder each:

    peers/inspect  peers/garak
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))

from vertical import run_all  # noqa: E402 - beside the verticals

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
    run_all(HERE, commands(given.data), peers=PEERS, environments=given.peers, only=given.only)


if __name__ == "__main__":
    main()
