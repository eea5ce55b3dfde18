"""Advisories: agreement with PyPA's own ranges, speed over 100,000 components, who a new one hits, peers offline.

    python benchmarks/scan/advisories.py --data DATA_FOLDER [--peers VENV_FOLDER]

Two references. *The record*: every version that PyPA mentions of a package, held against each advisory by the schema's
pseudo-code, written here anew. *The list*: only the versions that the record enumerates. A.I.G's rules are
held against PyPA's lists on the flaws that both know: how far they may be trusted where they stand alone. CPU time,
medians.
"""

import argparse
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import date
from functools import lru_cache
from pathlib import Path

from make_advisories import python_records
from packaging.version import InvalidVersion, Version

from jingwei.deploy.advisories import ComponentIndex, Knowledge, Package, impacted, shipped_store, what_is_known
from jingwei.deploy.advisories.orders import key
from jingwei.deploy.advisories.scanner import Options, scan
from jingwei.deploy.bom import Component

PINS = {"mlflow": "2.8.0", "gradio": "4.10.0", "transformers": "4.36.0", "torch": "2.5.0", "picklescan": "0.0.20"}
COMPONENTS = 100_000


@lru_cache(maxsize=1_000_000)
def parsed(version):
    try:
        return Version(version)
    except InvalidVersion:
        return None


def by_the_schema(version, affected):
    """Tell whether a version is affected: enumerated, or within a range's events; none where that cannot be told."""
    if version in affected.get("versions", ()):
        return True
    at = parsed(version)
    if "keys" not in affected:
        affected["keys"] = {parsed(each) for each in affected.get("versions", ())} - {None}
    if at is not None and at in affected["keys"]:
        return True
    ranges = [each for each in affected.get("ranges", ()) if each["type"] == "ECOSYSTEM"]
    for each in ranges:
        events = [
            (parsed(bound if bound != "0" else "0.dev0"), kind)
            for event in each["events"]
            for kind, bound in event.items()
        ]
        if at is None or any(bound is None for bound, _ in events):
            return None
        said = False
        for bound, kind in sorted(events, key=lambda pair: (pair[0], pair[1] == "fixed")):
            if kind == "introduced" and (at >= bound or bound == Version("0.dev0")):
                said = True
            elif (kind == "fixed" and at >= bound) or (kind == "last_affected" and at > bound):
                said = False
        if said:
            return True
    return False if ranges or affected.get("versions") else None


def agreement(records):
    """Hold every mentioned version against every advisory, by the references and by the store."""
    store = shipped_store()
    mentioned = defaultdict(set)
    for record in records:
        for affected in record["affected"]:
            name = Package("PyPI", re.sub(r"[-_.]+", "-", affected["package"]["name"]).lower()).name
            mentioned[name].update(affected.get("versions", ()))
            bounds = [
                b
                for r in affected.get("ranges", ())
                if r["type"] == "ECOSYSTEM"
                for e in r["events"]
                for b in e.values()
            ]
            mentioned[name].update(each for each in bounds if each != "0")
    counts = dict.fromkeys(("pairs", "agree", "undecided", "list_pairs", "list_agree"), 0)
    for record in records:
        for affected in record["affected"]:
            name = re.sub(r"[-_.]+", "-", affected["package"]["name"]).lower()
            ours = {one.id: one for one in store.of("PyPI", name)}[record["id"]]
            listed = set(affected.get("versions", ()))
            for version in mentioned[name]:
                said, own = ours.hits(version), by_the_schema(version, affected)
                if own is None:
                    counts["undecided"] += 1
                else:
                    counts["pairs"] += 1
                    counts["agree"] += (said == "affected") == own and said != "undecided"
                if listed and len(record["affected"]) == 1:
                    counts["list_pairs"] += 1
                    counts["list_agree"] += (said == "affected") == (version in listed)
    return counts, mentioned


def speed(mentioned):
    """Match 100,000 components of packages with advisories, versions of every age: the worst there is to match."""
    chosen, spent = random.Random(1), []
    pairs = [(name, version) for name, versions in mentioned.items() for version in versions]
    wanted = [Package("PyPI", *chosen.choice(pairs)) for _ in range(COMPONENTS)]
    for _ in range(3):
        shipped_store().packages.cache_clear()
        key.cache_clear()
        knowledge = Knowledge([shipped_store()])
        began = time.process_time()
        hit = sum(bool(knowledge.match(each).affected) for each in wanted)
        spent.append(time.process_time() - began)
    return statistics.median(spent), hit


def whole(mentioned, folder):
    """Scan a BOM of 100,000 components, one in twenty of which has advisories: read, held, told."""
    chosen, names = random.Random(3), sorted(mentioned)
    listed = []
    for number in range(COMPONENTS):
        name = chosen.choice(names) if number % 20 == 0 else f"package-{number}"
        version = max(mentioned[name]) if number % 20 == 0 and mentioned[name] else f"{number % 7}.{number % 11}"
        listed.append({"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"})
    path = folder / "large.cdx.json"
    path.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": listed}))
    began = time.process_time()
    count = sum(1 for _ in scan(str(path), Options()))
    return time.process_time() - began, count


def impact(mentioned):
    """Ask whom each of 1,000 advisories hits, over 100,000 components of 1,000 systems."""
    chosen, spent = random.Random(2), []
    pairs = [(name, version) for name, versions in mentioned.items() for version in versions]
    made = ((f"system-{number % 1000}", *chosen.choice(pairs)) for number in range(COMPONENTS))
    began = time.process_time()
    index = ComponentIndex(
        (system, Component(kind="library", name=name, version=version)) for system, name, version in made
    )
    built = time.process_time() - began
    every = list(shipped_store().everything())
    for advisory in chosen.sample(every, 1000):
        began = time.process_time()
        impacted([advisory], index)
        spent.append(time.process_time() - began)
    return built, statistics.median(spent), max(spent)


def aig_way(records):
    """Compare A.I.G's rules with PyPA on the flaws that both know: how often each reading agrees."""
    store, ranges = shipped_store(), defaultdict(dict)
    for record in records:
        for name in (record["id"], *record.get("aliases", ())):
            for affected in record["affected"]:
                ranges[re.sub(r"[-_.]+", "-", affected["package"]["name"]).lower()][name] = affected
    pairs = agree = undecided = 0
    for rule in store.everything():
        if rule.ecosystem != "AI" or not rule.covered:
            continue
        affected = next(
            (ranges[rule.package][each] for each in sorted(rule.ids) if each in ranges.get(rule.package, {})), None
        )
        for version in (affected or {}).get("versions", ()):
            said = rule.hits(version)
            undecided += said == "undecided"
            pairs += said != "undecided"
            agree += said == "affected"
    return pairs, agree, undecided


def offline(environment, folder):
    """Run pip-audit where nothing can be reached, and say what it concludes."""
    (folder / "requirements.txt").write_text("".join(f"{name}=={version}\n" for name, version in PINS.items()))
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}
    command = [str(environment / "bin/pip-audit"), "-r", str(folder / "requirements.txt"), "--no-deps", "--disable-pip",
               "--format", "json", "--timeout", "3"]  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | nowhere)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    try:
        listed = json.loads(done.stdout)["dependencies"]
    except ValueError:
        listed = []
    skipped = sum("skip_reason" in each for each in listed)
    flaws = sum(len(each.get("vulns", ())) for each in listed)
    last = (done.stderr.strip().splitlines() or ["-"])[-1][:100]
    print(
        f"pip-audit offline: exit {done.returncode}, {flaws} flaws, {skipped} of {len(listed)} skipped, "
        f"{spent:.2f} CPU-s, says: {last}"
    )


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, help="folder of the public data sets")
    options.add_argument("--peers", type=Path, help="folder with one virtual environment a peer: pip-audit")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "requirements.txt").write_text("".join(f"{name}=={version}\n" for name, version in PINS.items()))
        began = time.process_time()
        found = [one for one in scan(str(folder), Options()) if one.format == "PyPI"]
        spent = time.process_time() - began
        print("ours offline: " + ", ".join(f"{one.path} {len(one.findings)}" for one in found) + f"; {spent:.2f} CPU-s")
        without = [one.verdict.value for one in scan(str(folder), Options(shipped=False))]
        print(f"ours without any advisories: {sorted(set(without))}")
        if given.peers and (given.peers / "pip-audit/bin/pip-audit").exists():
            offline(given.peers / "pip-audit", folder)
    known = what_is_known("", shipped=True, today=date(2026, 7, 24))
    print(
        f"shipped: {sum(source.advisories for source in known.knowledge.sources)} advisories, "
        f"{shipped_store().path.stat().st_size / 1e6:.2f} MB"
    )
    if not given.data:
        sys.exit("the rest needs --data")
    records = list(python_records(given.data))
    counts, mentioned = agreement(records)
    print(f"agreement with the record: {counts['agree']} of {counts['pairs']} (version, advisory) pairs = "
          f"{counts['agree'] / counts['pairs']:.4%}; {counts['undecided']} the record itself leaves open")  # fmt: skip
    print(f"agreement with the enumerated list alone: {counts['list_agree']} of {counts['list_pairs']} = "
          f"{counts['list_agree'] / counts['list_pairs']:.4%}")  # fmt: skip
    pairs, agree, undecided = aig_way(records)
    print(
        f"A.I.G's rules on versions that PyPA enumerates as affected: "
        f"{agree} of {pairs} = {agree / max(pairs, 1):.1%}, {undecided} undecided"
    )
    spent, hit = speed(mentioned)
    print(f"{COMPONENTS} components matched, {hit} affected: {spent:.2f} CPU-s (target < 5)")
    with tempfile.TemporaryDirectory() as name:
        spent, count = whole(mentioned, Path(name))
    print(f"a BOM of {COMPONENTS} components read, held and told, {count} results: {spent:.2f} CPU-s")
    built, median, worst = impact(mentioned)
    print(f"a new advisory over {COMPONENTS} components of 1,000 systems: index {built:.2f} CPU-s once, then median "
          f"{median * 1000:.3f} ms, worst {worst * 1000:.2f} ms (target < 1,000)")  # fmt: skip
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {memory:.0f} MiB, records of the reference included")


if __name__ == "__main__":
    main()
