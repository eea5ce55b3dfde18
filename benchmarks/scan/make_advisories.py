"""Build the store of advisories that Jingwei ships, from public collections of the data folder.

    python benchmarks/scan/make_advisories.py DATA_FOLDER

PyPA's advisories (CC-BY-4.0) decide on Python packages; A.I.G's rules (Apache-2.0 with NOTICE) say what is known of AI
components that are no packages. Prints what was read, what was left out, and why.
"""

import argparse
import tarfile
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import yaml

from jingwei.deploy.advisories.component_rules import read_component_rule
from jingwei.deploy.advisories.osv import NotOsv, read_osv
from jingwei.deploy.advisories.store import SourceOf, write_store

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "src/jingwei/deploy/advisories/advisories.sqlite"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PYPA, AIG = ("PyPA", "2026-07-23", "CC-BY-4.0"), ("A.I.G", "2026-08-21", "Apache-2.0")


def python_records(data):
    """Give PyPA's records as they are, dates as text."""
    with tarfile.open(next((data / "pypa-advisory").glob("vulns-*.tar.xz"))) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".yaml"):
                record = yaml.load(archive.extractfile(member), Loader=LOADER)
                yield {name: str(value) if isinstance(value, datetime) else value
                       for name, value in record.items()}  # fmt: skip


def python_advisories(data, left):
    """Give PyPA's advisories."""
    for record in python_records(data):
        try:
            yield from read_osv(record, source=PYPA[0])
        except NotOsv:
            left["PyPA: not OSV"] += 1


def component_advisories(data, known, left):
    """Give A.I.G's rules; those about a flaw that PyPA knows are marked: PyPA says better which versions it hits."""
    folder = data / "ai-infra-guard"
    for path in sorted((folder / "vuln_en").rglob("*.yaml")):
        english = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
        beside = folder / "vuln" / path.relative_to(folder / "vuln_en")
        chinese = yaml.load(beside.read_text(encoding="utf-8"), Loader=LOADER) if beside.exists() else None
        if not english["info"].get("cve"):
            english["info"]["cve"] = path.stem
        read = read_component_rule(english, source=AIG[0], modified=AIG[1], chinese=chinese)
        if read is None:
            left["A.I.G: says nothing of a version, or has no id"] += 1
        else:
            left["A.I.G: undecided for lack of a range"] += not read.spans
            yield replace(read, covered=bool(read.ids & known))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path, help="folder of the public data sets")
    options.add_argument("--to", type=Path, default=TARGET)
    given = options.parse_args()
    left = Counter()
    python = list(python_advisories(given.data, left))
    known = {each for one in python for each in one.ids}
    components = list(component_advisories(given.data, known, left))
    sources = [SourceOf(PYPA[0], "PyPI", PYPA[1], len({one.id for one in python}), PYPA[2]),
               SourceOf(AIG[0], "AI", AIG[1], len(components), AIG[2])]  # fmt: skip
    write_store(given.to, [*python, *components], sources=sources, made=AIG[1])
    for source in sources:
        print(f"{source.name}: {source.advisories} advisories of {source.day}")
    for reason, count in left.items():
        print(f"  {reason}: {count}")
    print(f"{given.to.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
