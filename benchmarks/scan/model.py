"""Model scan, ours beside the peers, in one run on the same files: detections, false alarms, CPU seconds, memory.

    python benchmarks/scan/model.py                                     # ours alone, on the samples of our own tests
    python benchmarks/scan/model.py --data DATA --peers FOLDER          # beside the peers, on the public corpus too
    python benchmarks/scan/model.py --benign FOLDER --only corpus       # each file of a folder as one that is benign

The public corpus is `DATA/model-files` with its manifest. Samples of our own tests show where peers stand, not how good
we are: ours is expected to be perfect on them. A peer is a virtual environment of its name under FOLDER: picklescan,
modelscan, fickling, modelaudit, hayward, aisbom-cli (`uv venv FOLDER/picklescan && uv pip install --python
FOLDER/picklescan/bin/python picklescan typing_extensions`). Each scanner runs in a process of its own; "found" is
medium, suspicious or worse, "silent" is malicious, not found, and no error or gap told either.
"""

import argparse
import importlib.util
import json
import pickle
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("model_scanners.py")
PEERS = ("picklescan", "modelscan", "fickling", "modelaudit", "hayward", "aisbom-cli")


def scanned(python, name, paths):
    """Run one scanner over files; return its row for each."""
    text = "\n".join(str(path) for path in paths)
    done = subprocess.run([python, PROGRAM, name], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tests/deploy/artifacts/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def samples(folder):
    """Write the samples of our own tests; return each with whether it is malicious."""
    files, calls = loaded("test_model_files"), loaded("test_pickle_calls")
    tables = [(True, files.MALICIOUS), (False, files.BENIGN)]
    tables += [(True, {n: ("m.pkl", calls.stream(b)) for n, b in calls.DANGEROUS.items()})]
    tables += [(False, {n: ("m.pkl", calls.stream(b)) for n, b in calls.HARMLESS.items()})]
    written = []
    for malicious, table in tables:
        for name, content in table.values():
            path = folder / str(len(written)) / name
            path.parent.mkdir()
            path.write_bytes(content)
            written.append((path, malicious))
    return written


def large(folder, mebibytes):
    """Write one large honest file of each kind, without holding any in memory."""
    block, size = b"\x5a" * (1 << 20), mebibytes << 20
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()

    def text(value):
        return struct.pack("<Q", len(value)) + value

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
    with (folder / "dense.pkl").open("wb") as file:
        pickle.dump([{"i": i, "s": str(i), "t": (i, i + 1)} for i in range(1_500_000)], file, 4)
    return sorted(folder.glob("*.*"))


def table(title, given, scanners):
    """Print what each scanner found among the same files."""
    bad, good = sum(malicious for _, malicious in given), sum(not malicious for _, malicious in given)
    print(f"\n{title}: {bad} malicious, {good} benign")
    print(f"{'':12} {'found':>12} {'high':>11} {'silent':>7} {'alarms':>12} {'high':>11} {'cpu s':>8} {'MiB':>6}")
    for name, python in scanners.items():
        rows = list(zip(scanned(python, name, [path for path, _ in given]), given, strict=True))
        evil = [row for row, (_, malicious) in rows if malicious]
        fair = [row for row, (_, malicious) in rows if not malicious]
        shares = [(sum(r[0] for r in evil), bad), (sum(r[1] for r in evil), bad),
                  (sum(r[0] for r in fair), good), (sum(r[1] for r in fair), good)]  # fmt: skip
        found, high, alarms, loud = (f"{n:>5} {n / of if of else 0:>5.1%}" for n, of in shares)
        silent = sum(not r[0] and not r[2] for r in evil)
        seconds, peak = sum(row[3] for row, _ in rows), max(row[4] for row, _ in rows)
        print(f"{name:12} {found} {high} {silent:>7} {alarms} {loud} {seconds:>8.2f} {peak:>6.0f}", flush=True)
        for row, (path, malicious) in rows:
            if name == "jingwei" and (row[0] != malicious or (malicious and not row[1])):
                print(f"{'':12} {'missed or mild' if malicious else 'alarm'}: {'/'.join(path.parts[-2:])}")


def sizes(mebibytes, scanners):
    """Print what large honest files cost."""
    with tempfile.TemporaryDirectory() as folder:
        print(f"\nLarge honest files, {mebibytes} MiB each and a dense one: CPU seconds, peak MiB, verdict")
        for path in large(Path(folder), mebibytes):
            for name, python in scanners.items():
                ((flagged, _, incomplete, seconds, peak),) = scanned(python, name, [path])
                state = "flagged" if flagged else "incomplete" if incomplete else "clean"
                print(f"{path.name:18} {name:16} {seconds:>7.2f} s {peak:>6.0f}  {state}", flush=True)


def small(count):
    """Print how many small files a second of CPU time gets through, as `scan` gives them."""
    sys.path.insert(0, str(ROOT / "src"))
    from jingwei.deploy.artifacts.scanner import Options, scan

    content = pickle.dumps({"weights": [1.0] * 50, "name": "layer"}, 4)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            Path(folder, f"{number}.pkl").write_bytes(content)
        next(scan(folder, Options()))
        started = time.process_time()
        seen = sum(1 for _ in scan(folder, Options()))
        print(f"\n{count} small files: {seen / (time.process_time() - started):.0f} files a CPU second")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the public data sets, for model-files/")
    parser.add_argument("--peers", type=Path, help="folder with one virtual environment a peer")
    parser.add_argument("--benign", type=Path, help="folder whose files are all benign")
    parser.add_argument("--only", nargs="*", default=["samples", "corpus", "small", "large"],
                        help="samples, corpus, small, large")  # fmt: skip
    parser.add_argument("--mebibytes", type=int, default=256, help="size of the large files")
    told = parser.parse_args()
    scanners = {"jingwei": sys.executable}
    for name in PEERS if told.peers else ():
        python = told.peers / name / "bin" / "python"
        if python.exists():
            scanners[name] = str(python)
    if "samples" in told.only:
        with tempfile.TemporaryDirectory() as folder:
            table("Samples of our own tests", samples(Path(folder)), scanners)
    if "corpus" in told.only:
        if told.data:
            corpus = told.data / "model-files"
            entries = json.loads((corpus / "manifest.json").read_text())
            given = [(corpus / entry["path"], entry["label"] == "malicious") for entry in entries]
            table("The public corpus", [(path, bad) for path, bad in given if path.exists()], scanners)
        if told.benign:
            given = [(path, False) for path in sorted(told.benign.rglob("*")) if path.is_file()]
            table("Benign folder", given, scanners)
    if "small" in told.only:
        small(10_000)
    if "large" in told.only:
        sizes(told.mebibytes, {**scanners, "jingwei-unhashed": sys.executable})


if __name__ == "__main__":
    main()
