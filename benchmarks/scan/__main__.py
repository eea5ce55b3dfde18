"""Every benchmark of the supply chain, one after the other: `./dev bench scan [DATA_FOLDER] [--peers VENV_FOLDER]`.

Each script stands alone too (`python benchmarks/scan/model.py --help`). CPU time and ratios inside one run are the
result; a busy host inflates the time and not the ratios. Without the data folder, what needs it is left out. Peers run
where their virtual environments are given, one folder each under `--peers`.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))

from vertical import run_all  # noqa: E402 - beside the verticals

NAMES = ("model", "advisories", "bom", "exposure", "code", "config", "agents", "signing")


def commands(data, peers):
    """Give each script that is there with its arguments."""
    given = (["--data", str(data)] if data else []) + (["--peers", str(peers)] if peers else [])
    return {name: given for name in NAMES if (HERE / f"{name}.py").exists()}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path, nargs="?", help="folder of the public data sets")
    options.add_argument("--peers", type=Path, help="folder with one virtual environment a peer")
    options.add_argument("--only", nargs="*", help="run these alone")
    given = options.parse_args()
    run_all(HERE, commands(given.data, given.peers), peers={}, environments=None, only=given.only)


if __name__ == "__main__":
    main()
