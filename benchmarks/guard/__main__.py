"""Every benchmark of the guard, one after the other: `./dev bench guard [DATA_FOLDER] [--peers VENV_FOLDER]`.

Each script stands alone too (`./dev bench guard/keywords --help`). CPU time and ratios inside one run are the result; a
busy host inflates the time and not the ratios. Without the data folder, what needs it is left out, and so is `evasion`
without `--cases` (made by `make_evasions.py`). Peers run where their virtual environments are given, one folder each:

    peers/litellm  peers/llm-guard  peers/presidio  peers/invariant
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))

from vertical import run_all  # noqa: E402 - beside the verticals

PEERS = {
    "keywords": {"--litellm": "litellm", "--llm-guard": "llm-guard"},
    "evasion": {"--litellm": "litellm"},
    "personal": {"--presidio": "presidio"},
    "tools": {"--peer-python": "invariant"},
    "gateway": {"--peer-python": "litellm"},
}


def commands(data, cases):
    """Give each script with its arguments; those that lack something are None."""
    given = [str(data)] if data else None
    named = ["--data", str(data)] if data else None
    return {
        "keywords": named,
        "evasion": [*named, "--cases", str(cases)] if named and cases else None,
        "personal": [],
        "semantic": [],
        "injection": given,
        "topic": [],
        "grounding": given or [],
        "tools": [],
        "limits": [],
        "swap": [],
        "access": [],
        "gateway": ["--no-models"],
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path, nargs="?", help="folder of the public data sets")
    options.add_argument("--cases", type=Path, help="disguised words, made by make_evasions.py")
    options.add_argument("--peers", type=Path, help="folder with one virtual environment a peer")
    options.add_argument("--only", nargs="*", help="run these alone")
    given = options.parse_args()
    run_all(HERE, commands(given.data, given.cases), peers=PEERS, environments=given.peers, only=given.only)


if __name__ == "__main__":
    main()
