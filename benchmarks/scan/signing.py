"""Signing: one flipped bit found, what it costs a gigabyte beside hashing alone, and how long the way back takes.

python benchmarks/scan/signing.py [--megabytes N]

The hash of the same bytes by hashlib, read as our code reads them, is the floor that nothing can beat.
"""

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from pathlib import Path

from jingwei.deploy.signing import Release, examine, new_key, roll_back, sign, switch_to, verify, write_releases

RUNS = 3


def measured(call):
    """Return the median CPU seconds of a call, and what it returned last."""
    seconds = []
    for _ in range(RUNS):
        began = time.process_time()
        result = call()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds), result


def hashed(folder):
    for path in sorted(folder.glob("weights*")):
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1024)
    size = parser.parse_args().megabytes
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        keys = new_key(root)
        model = root / "model"
        model.mkdir()
        block = os.urandom(1 << 20)
        for number in range(4):
            with (model / f"weights-{number}.bin").open("wb") as file:
                for _ in range(size // 4):
                    file.write(block)
        sign(model, keys.private)
        floor, _ = measured(lambda: hashed(model))
        whole, same = measured(lambda: verify(model, keys.public))
        gigabytes = size / 1024
        print(f"{size} MiB: hashing alone {floor / gigabytes:.2f}, verifying {whole / gigabytes:.2f} CPU-s a GiB, "
              f"ratio {whole / floor:.2f}; differences {len(same)}")  # fmt: skip
        with (model / "weights-2.bin").open("r+b") as file:
            file.seek(12_345)
            byte = file.read(1)[0]
            file.seek(12_345)
            file.write(bytes([byte ^ 1]))
        print("one bit flipped:", [f"{each.path} {each.how}" for each in verify(model, keys.public)])
        print(f"the way back, 100 times: {drills(root, keys):.3f} s a drill (median, 16 MiB a release)")


def drills(root, keys):
    folder = root / "served"
    releases = []
    for version in ("1", "2"):
        place = folder / "releases" / version
        place.mkdir(parents=True)
        (place / "weights.bin").write_bytes(os.urandom(1 << 24))
        sign(place, keys.private)
        releases.append(Release(version=version, digest=examine(place, keys.public).digest, approved=True))
    write_releases(folder, releases, keys.private)
    switch_to(folder, "2", keys.public)
    seconds = []
    for _ in range(100):
        seconds.append(roll_back(folder, keys.public).seconds)
        switch_to(folder, "2", keys.public)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
