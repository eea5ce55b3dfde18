"""The BOM of one environment, ours beside cyclonedx-py, and of a large model folder: components, fields, CPU, memory.

    python benchmarks/scan/bom.py [--environment FOLDER] [--peers VENV_FOLDER] [--mebibytes 1024]

Both list the same environment in processes of their own; a listed package counts as licensed, hashed and supplied where
its entry says so. Both documents are held against the strict schema. CPU time, medians of three.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

OURS = """
from pathlib import Path
from jingwei.deploy.bom.scanner import Options, scan
import sys
for one in scan(sys.argv[1], Options(write=sys.argv[2])): pass
"""


def spent(command):
    """Run a command; its CPU seconds and peak memory."""
    wrapped = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", wrapped, *command], capture_output=True, text=True, check=True)
    return [float(each) for each in done.stdout.split()]


def told(path):
    """Count what a document says of its packages."""
    document = json.loads(path.read_text())
    packages = [each for each in document.get("components", []) if str(each.get("purl", "")).startswith("pkg:pypi")]
    problem = JsonStrictValidator(SchemaVersion.from_version(document["specVersion"])).validate_str(path.read_text())
    properties = [{p["name"] for p in each.get("properties", [])} for each in packages]
    return {
        "packages": len({each["purl"].partition("?")[0] for each in packages}),
        "licensed": sum(bool(each.get("licenses")) for each in packages),
        "hashed": sum(bool(each.get("hashes")) or "jingwei:record-sha256" in own
                      for each, own in zip(packages, properties, strict=True)),
        "supplied": sum(bool(each.get("supplier") or each.get("author") or each.get("authors")) for each in packages),
        "dependencies": sum(len(each.get("dependsOn", [])) for each in document.get("dependencies", [])),
        "strict": problem is None,
    }  # fmt: skip


def model(folder, mebibytes):
    """Write a model folder with one large file of weights, without holding it in memory."""
    size = mebibytes << 20
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for _ in range(mebibytes):
            file.write(b"\x5a" * (1 << 20))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--environment", type=Path, default=Path(sys.prefix), help="a virtual environment")
    options.add_argument("--peers", type=Path, help="folder with one virtual environment a peer: cyclonedx-bom")
    options.add_argument("--mebibytes", type=int, default=1024, help="size of the weights")
    options.add_argument("--data", type=Path, help="not used here; every script of the folder is given it")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = {"ours": [sys.executable, "-c", OURS, str(given.environment), str(folder / "ours.json")]}
        peer = given.peers / "cyclonedx-bom/bin/cyclonedx-py" if given.peers else None
        if peer and peer.exists():
            python = str(given.environment / "bin/python")
            out = str(folder / "cyclonedx-py.json")
            commands["cyclonedx-py"] = [str(peer), "environment", python, "--sv", "1.6", "-o", out]
        seconds = {}
        for who, command in commands.items():
            runs = [spent(command) for _ in range(3)]
            seconds[who] = statistics.median(run[0] for run in runs)
            memory = statistics.median(run[1] for run in runs)
            print(f"{who}: {seconds[who]:.2f} CPU-s, {memory:.0f} MiB, {told(folder / f'{who}.json')}")
        if len(seconds) > 1:
            ratio = seconds["ours"] / seconds["cyclonedx-py"]
            print(f"CPU ratio ours / cyclonedx-py: {ratio:.2f}; ours hashes every installed file")
        (folder / "model").mkdir()
        model(folder / "model", given.mebibytes)
        cpu, memory = spent([sys.executable, "-c", OURS, str(folder / "model"), str(folder / "model.json")])
        print(f"a model of {given.mebibytes} MiB, hashed and documented: {cpu:.2f} CPU-s, {memory:.0f} MiB")
    print(f"peak memory of this script {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
