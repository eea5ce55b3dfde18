"""Model scan, ours beside picklescan, in one run on the same files: detections, false alarms, CPU seconds, memory.

    python benchmarks/model_scan.py                                  # ours alone
    uv venv scratch && uv pip install --python scratch/bin/python picklescan
    python benchmarks/model_scan.py --peer scratch/bin/python         # beside the peer
    python benchmarks/model_scan.py --corpus FOLDER                  # a folder with manifest.json (path, label) too

Samples are those of tests/deploy/artifacts/test_model_files.py, so ours is expected to be perfect on them: they show
where the peer stands, not how good we are. A corpus that others wrote says that. The large files are written here.
Every scanner runs in a process of its own; "flagged" is medium or suspicious and worse.
"""

import argparse
import importlib.util
import json
import pickle
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OURS = """
import json, resource, sys, time
sys.path.insert(0, {source!r})
from pathlib import Path
from jingwei.deploy.artifacts import scan_file
hashed = {hashed}
def scan(path):
    paths = [p for p in sorted(path.rglob("*")) if p.is_file()] if path.is_dir() else [path]
    notes = [scan_file(p, p.relative_to(path.parent).as_posix(), hashed=hashed).notes for p in paths]
    worst = max((n.severity.rank for one in notes for n in one.findings), default=0)
    return worst >= 2, worst >= 3, any(one.gaps for one in notes)
"""
PEER = """
import json, logging, resource, sys, time
logging.disable(logging.CRITICAL)
from pathlib import Path
from picklescan.scanner import SafetyLevel, scan_directory_path, scan_file_path
def scan(path):
    result = scan_directory_path(str(path)) if path.is_dir() else scan_file_path(str(path))
    levels = {g.safety for g in result.globals}
    dangerous = SafetyLevel.Dangerous in levels
    return dangerous or SafetyLevel.Suspicious in levels, dangerous, result.scan_err or not result.scanned_files
"""
LOOP = """
def peak():  # of this program alone: ru_maxrss also counts the process that started it
    try:
        return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
base = peak()
for line in sys.stdin:
    started = time.process_time()
    try:
        flagged, high, incomplete = scan(Path(line.strip()))
    except Exception as error:
        flagged, high, incomplete = False, False, True
    print(json.dumps([flagged, high, incomplete, time.process_time() - started,
                      peak() / 1024, base / 1024]), flush=True)
"""


def scanned(python: str, program: str, paths: list[Path]) -> list[list]:
    text = "\n".join(str(path) for path in paths)
    done = subprocess.run([python, "-c", program + LOOP], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def samples(folder: Path) -> list[tuple[Path, bool]]:
    """Write the test samples; return each with whether it is malicious."""
    where = ROOT / "tests/deploy/artifacts/test_model_files.py"
    spec = importlib.util.spec_from_file_location("samples", where)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = []
    for malicious, table in ((True, module.MALICIOUS), (False, module.BENIGN)):
        for number, (name, content) in enumerate(table.values()):
            path = folder / f"{'bad' if malicious else 'good'}{number}" / name
            path.parent.mkdir()
            path.write_bytes(content)
            written.append((path, malicious))
    return written


def large(folder: Path, mebibytes: int) -> list[Path]:
    """Write one large honest file of each kind, without holding any in memory."""
    block, size = b"\x5a" * (1 << 20), mebibytes << 20
    tensor = {"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    header = json.dumps(tensor).encode()
    text = lambda value: struct.pack("<Q", len(value)) + value  # noqa: E731
    gguf = (
        b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")
    )
    gguf += text(b"w") + struct.pack("<IQIQ", 1, size, 24, 0)
    heads = {
        "large.safetensors": struct.pack("<Q", len(header)) + header,
        "large.gguf": gguf + b"\0" * (-len(gguf) % 32),
        "large.pkl": b"\x80\x04\x8e" + struct.pack("<Q", size),
    }
    for name, head in heads.items():
        with (folder / name).open("wb") as file:
            file.write(head)
            for _ in range(mebibytes):
                file.write(block)
            file.write(b"." if name.endswith("pkl") else b"")
    with zipfile.ZipFile(folder / "large.pt", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
        with archive.open(zipfile.ZipInfo("archive/data/0"), "w", force_zip64=True) as file:
            for _ in range(mebibytes):
                file.write(block)
    with (folder / "objects.pkl").open("wb") as file:
        pickle.dump([{"i": i, "s": str(i), "t": (i, i + 1)} for i in range(mebibytes * 1465)], file, 4)
    return sorted(folder.glob("*.*"))


def table(title: str, given: list[tuple[Path, bool]], scanners: dict[str, tuple[str, str]]) -> None:
    bad, good = sum(malicious for _, malicious in given), sum(not malicious for _, malicious in given)
    print(f"\n{title}: {bad} malicious, {good} benign")
    titles = f"{'found':>14} {'high':>6} {'false alarms':>13} {'high':>5} {'silent misses':>14}"
    print(f"{'':12} {titles} {'cpu s':>7} {'MiB':>6}")
    for name, (python, program) in scanners.items():
        rows = list(zip(scanned(python, program, [path for path, _ in given]), given, strict=True))
        found = sum(row[0] for row, (_, malicious) in rows if malicious)
        high = sum(row[1] for row, (_, malicious) in rows if malicious)
        alarms = sum(row[0] for row, (_, malicious) in rows if not malicious)
        loud = sum(row[1] for row, (_, malicious) in rows if not malicious)
        silent = sum(not row[0] and not row[2] for row, (_, malicious) in rows if malicious)
        seconds, peak = sum(row[3] for row, _ in rows), max(row[4] for row, _ in rows)
        caught = f"{found:>7} {found / bad:>6.0%} {high:>6}"
        caught += f" {alarms:>6} {alarms / good:>6.0%} {loud:>5} {silent:>14}"
        print(f"{name:12} {caught} {seconds:>7.2f} {peak:>6.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="interpreter that has picklescan; by default this one, if it does")
    parser.add_argument("--corpus", type=Path, help="folder with manifest.json: a list of {path, label}")
    parser.add_argument("--mebibytes", type=int, default=256, help="size of the large files")
    told = parser.parse_args()
    source = str(ROOT / "src")
    scanners = {"jingwei": (sys.executable, OURS.format(source=source, hashed=True))}
    hasty = {"no hash": (sys.executable, OURS.format(source=source, hashed=False))}
    peer = told.peer or (sys.executable if importlib.util.find_spec("picklescan") else "")
    if peer:
        ask = "from importlib.metadata import version; print(version('picklescan'))"
        version = subprocess.run([peer, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
        scanners["picklescan"] = (peer, PEER)
        print(f"peer: picklescan {version}")
    else:
        print("no peer here; see the head of this file for how to install one in a scratch environment")
    with tempfile.TemporaryDirectory() as folder:
        table("Samples of our own tests", samples(Path(folder)), scanners)
    if told.corpus:
        entries = json.loads((told.corpus / "manifest.json").read_text())
        given = [(told.corpus / entry["path"], entry["label"] == "malicious") for entry in entries]
        table("Corpus", [(path, bad) for path, bad in given if path.exists()], scanners)
    with tempfile.TemporaryDirectory() as folder:
        print(f"\nLarge honest files, {told.mebibytes} MiB each: cpu seconds, peak MiB (before), verdict")
        for path in large(Path(folder), told.mebibytes):
            for name, (python, program) in {**scanners, **hasty}.items():
                ((flagged, _, incomplete, seconds, peak, base),) = scanned(python, program, [path])
                state = "flagged" if flagged else "incomplete" if incomplete else "clean"
                print(f"{path.name:18} {name:12} {seconds:>7.2f} s {peak:>6.0f} ({base:.0f})  {state}")


if __name__ == "__main__":
    main()
