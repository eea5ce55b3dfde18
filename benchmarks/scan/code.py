"""Audit of AI applications' code: ours beside bandit and semgrep, on the same files in one run.

    python benchmarks/scan/code.py --data DATA_FOLDER --peers VENV_FOLDER

Flawed programs: the supply kit's (`DATA/supply-kit/app`, 15 kinds of flaw, one a line) and three of ours in other
styles (`flawed/`), labelled `# P01` … at the line that is wrong. Clean programs: the five that the tests keep clean.
A kind counts as found where a tool reports something on its line; on clean programs every reported line counts. Ours
were written by the authors of the scanner, so they tell how far it generalises from one style to another, no more.
Semgrep has no rules without a network; it is run with ours for other languages only, and left out here unless
`--semgrep-rules` names a folder of rules.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LABEL = re.compile(r"#\s*P(\d\d)\b")
OURS = """
import json, sys
from jingwei.deploy.code.scanner import Options, scan
found = [(one.path, each.location.line) for one in scan(sys.argv[1], Options(semgrep="off")) for each in one.findings]
print(json.dumps(found))
"""


def programs(data, folder):
    """Copy every program into a folder of its own; give its name, its place and its labelled lines."""
    kit = data / "supply-kit" / "app" if data else None
    if kit and kit.exists():
        yield "supply kit", _copied([(kit / "app.py", "app.py")], folder / "kit")
    for one in sorted((HERE / "flawed").iterdir()):
        files = [(path, path.relative_to(one).with_suffix(".py")) for path in one.rglob("*.txt")]
        yield f"ours, {one.name}", _copied(files, folder / one.name)
    for path in sorted((ROOT / "tests" / "deploy" / "code" / "clean").glob("*.txt")):
        yield f"clean, {path.stem}", _copied([(path, "app.py")], folder / f"clean-{path.stem}")


def _copied(files, folder):
    for source, name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / name)
    return folder


def labels(folder):
    """Return the kinds of flaw by file and line."""
    return {
        (path.relative_to(folder).as_posix(), number): match[1]
        for path in folder.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := LABEL.search(line))
    }


def measured(command):
    """Run a command; return what it printed, its CPU seconds and its peak memory in MiB."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(
            command, stdout=out, stderr=subprocess.DEVNULL, cwd="/", env={**os.environ, "SEMGREP_SEND_METRICS": "off"}
        )
        _, _, used = os.wait4(child.pid, 0)
        child.returncode = 0
        out.seek(0)
        return out.read().decode(), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def ours(folder):
    out, cpu, memory = measured([sys.executable, "-c", OURS, str(folder)])
    return {tuple(each) for each in json.loads(out)}, cpu, memory


def bandit(venv):
    def run(folder):
        out, cpu, memory = measured([venv / "bin" / "bandit", "-q", "-r", "-f", "json", str(folder)])
        told = json.loads(out)["results"]
        lines = {(os.path.relpath(each["filename"], folder), number) for each in told for number in each["line_range"]}
        return lines, cpu, memory

    return run


def semgrep(venv, rules):
    def run(folder):
        command = [venv / "bin" / "semgrep", "scan", "--config", rules, "--json", "--metrics", "off", "--quiet",
                   "--disable-version-check", "--no-git-ignore", str(folder)]  # fmt: skip
        out, cpu, memory = measured(command)
        told = json.loads(out)["results"]
        return {(os.path.relpath(each["path"], folder), each["start"]["line"]) for each in told}, cpu, memory

    return run


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path)
    options.add_argument("--peers", type=Path)
    options.add_argument("--semgrep-rules", type=Path)
    given = options.parse_args()
    tools = {"jingwei": ours}
    if given.peers and (given.peers / "bandit").exists():
        tools["bandit"] = bandit(given.peers / "bandit")
    if given.peers and given.semgrep_rules and (given.peers / "semgrep").exists():
        tools["semgrep"] = semgrep(given.peers / "semgrep", given.semgrep_rules.resolve())
    spent = {name: [] for name in tools}
    false = dict.fromkeys(tools, 0)
    with tempfile.TemporaryDirectory() as place:
        for name, folder in programs(given.data, Path(place)):
            known = labels(folder)
            for tool, run in tools.items():
                lines, cpu, memory = run(folder)
                spent[tool].append((cpu, memory))
                kinds = {kind for where, kind in known.items() if where in lines}
                if known:
                    print(f"{name}: {tool} {len(kinds)} of {len(set(known.values()))} kinds")
                else:
                    false[tool] += len(lines)
    for tool, figures in spent.items():
        cpu = statistics.median(each[0] for each in figures)
        print(f"{tool}: {false[tool]} false lines on 5 clean programs, median {cpu:.2f} CPU s, "
              f"peak {max(each[1] for each in figures):.0f} MiB")  # fmt: skip
    if "bandit" in spent:
        ratio = statistics.median(o[0] / b[0] for o, b in zip(spent["jingwei"], spent["bandit"], strict=True))
        print(f"CPU, ours / bandit: {ratio:.2f} (ours runs bandit too where it is installed)")


if __name__ == "__main__":
    main()
