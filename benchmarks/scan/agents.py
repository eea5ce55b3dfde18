"""Agents: poisoned and harmless tools and skills, ours beside Cisco's scanners on the same files in one run.

python benchmarks/scan/agents.py [--data FOLDER] [--peers FOLDER]

The samples are ours (`tests/deploy/agents/corpus`; a third is held out by the hash of its name and told apart) and,
with `--data`, those of the public supply kit and 6,850 harmless tool schemas of Agent-SafetyBench. A thing counts as
found from medium severity up. `--peers` holds the virtual environments `cisco-mcp` (cisco-ai-mcp-scanner, YARA, its
offline mode) and `cisco-skill` (cisco-ai-skill-scanner, static). Told: shares found, and CPU seconds.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "deploy" / "agents"))

from corpora import held_out, is_told, skills, tools, write_skill, write_tool  # noqa: E402 - beside the tests

from jingwei.core.finding import Severity  # noqa: E402
from jingwei.deploy.agents import Options, scan  # noqa: E402


def child(command, **more):
    """Run a peer and return its output and CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"}, **more
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def samples(data):
    """Give (set, id, language, poisoned, tool)."""
    for label in ("poisoned", "benign"):
        for number, language, tool in tools(label):
            yield "held out" if held_out(number) else "ours", number, language, label == "poisoned", tool
    if data:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, str(data / "supply-kit/mcp/gen_mcp.py"), folder], check=True)
            for each in json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8")):
                yield "supply kit", each["id"], each["lang"], each["label"] == "malicious", each["tool"]


def skill_samples(data, folder):
    """Give (set, folder, poisoned)."""
    for number, label, _, files in skills():
        yield "held out" if held_out(number) else "ours", write_skill(folder, number, files), label == "poisoned"
    if data:
        kit = folder / "kit"
        subprocess.run([sys.executable, str(data / "supply-kit/skills/gen_skills.py"), str(kit)], check=True)
        for each in json.loads((kit / "manifest.json").read_text(encoding="utf-8")):
            yield "supply kit", kit / each["id"], each["label"] == "malicious"


def told(title, rows):
    """Print found of all by set, language and label."""
    counts = defaultdict(lambda: [0, 0])
    for key, found in rows:
        counts[key][0] += found
        counts[key][1] += 1
    print(f"{title}: " + "; ".join(f"{' '.join(key)} {found}/{of}" for key, (found, of) in sorted(counts.items())))


def our_tools(every, folder):
    began = time.process_time()
    rows = [((kind, language, "poisoned" if bad else "benign"), is_told(write_tool(folder, number, tool)))
            for kind, number, language, bad, tool in every]  # fmt: skip
    seconds = time.process_time() - began
    told("tools, ours", rows)
    return seconds


def cisco_tools(every, folder, program):
    listing = [dict(tool, name=f"tool_{at}") for at, (*_, tool) in enumerate(every)]
    path = folder / "all.json"
    path.write_text(json.dumps({"tools": listing}, ensure_ascii=False), encoding="utf-8")
    output, seconds = child([program, "--analyzers", "yara", "--raw", "static", "--tools", str(path)])
    results = json.loads(output[output.index("[\n") :])
    found = {each["tool_name"] for each in results if not each.get("is_safe", True)}
    told("tools, cisco-ai-mcp-scanner", [((kind, language, "poisoned" if bad else "benign"), f"tool_{at}" in found)
                                         for at, (kind, _, language, bad, _) in enumerate(every)])  # fmt: skip
    return seconds


def our_skills(every):
    began = time.process_time()
    rows = [((kind, "poisoned" if bad else "benign"), is_told(path)) for kind, path, bad in every]
    seconds = time.process_time() - began
    told("skills, ours", rows)
    return seconds


def cisco_skills(every, program, folder):
    output, seconds = child([program, "scan-all", str(folder), "--recursive", "--format", "json"])
    results = json.loads(output[output.index("{\n") :])["results"]
    severe = {Path(each["skill_path"]).resolve() for each in results
              if each["max_severity"] in {"MEDIUM", "HIGH", "CRITICAL"}}  # fmt: skip
    seen = {Path(each["skill_path"]).resolve() for each in results}
    told("skills, cisco-ai-skill-scanner", [((kind, "poisoned" if bad else "benign"), path.resolve() in severe)
                                            for kind, path, bad in every if path.resolve() in seen])  # fmt: skip
    return seconds


def harmless(data):
    """Scan the tool schemas of a public benchmark: whatever is told of them is a false alarm."""
    began, count, alarms = time.process_time(), 0, 0
    for path in sorted((data / "agent-safety-bench-envs").glob("*.json")):
        for one in scan(str(path), Options()):
            count += 1
            alarms += one.worst is not None and one.worst.rank >= Severity.MEDIUM.rank
    seconds = time.process_time() - began
    each = 1000 * seconds / max(1, count)
    print(f"Agent-SafetyBench tools, ours: {alarms}/{count} false alarms, {each:.1f} ms CPU a tool")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peers", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        is_told(
            write_tool(folder, "warm", {"name": "a", "description": "Adds two numbers, which is all that it does."})
        )
        every = list(samples(given.data))
        ours = our_tools(every, folder)
        mcp = given.peers / "cisco-mcp/bin/mcp-scanner" if given.peers else None
        if mcp and mcp.exists():
            peer = cisco_tools(every, folder, str(mcp))
            print(f"CPU: ours {ours:.2f} s, cisco-ai-mcp-scanner {peer:.2f} s, ratio {peer / ours:.1f}")
        held = list(skill_samples(given.data, folder / "skills"))
        ours = our_skills(held)
        skill = given.peers / "cisco-skill/bin/skill-scanner" if given.peers else None
        if skill and skill.exists():
            peer = cisco_skills(held, str(skill), folder / "skills")
            print(f"CPU: ours {ours:.2f} s, cisco-ai-skill-scanner {peer:.2f} s, ratio {peer / ours:.1f}")
        if given.data:
            harmless(given.data)


if __name__ == "__main__":
    main()
