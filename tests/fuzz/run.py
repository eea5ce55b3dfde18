"""Fuzz one target, or all of them one after another, and keep what reached new code.

python tests/fuzz/run.py [sse|frames|request …] [--seconds 600]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
KEPT = 40
"""Inputs of the corpus that are kept for each target, the newest first: they reached furthest."""


def fuzz(name: str, corpus: str, seconds: int) -> None:
    """Run the fuzzer in this process; it ends the process."""
    import atheris

    sys.path[:0] = [str(HERE)]
    with atheris.instrument_imports(
        include=[
            "jingwei.faces.gateway",
            "jingwei.deploy.guard.passages",
            "jingwei.deploy.fingerprint",
            "jingwei.deploy.advisories",
            "jingwei.deploy.bom",
            "jingwei.deploy.artifacts",
            "jingwei.deploy.code",
            "jingwei.deploy.config",
            "jingwei.deploy.agents",
            "jingwei.deploy.signing",
            "targets",
        ]
    ):
        from targets import TARGETS
    atheris.Setup(
        [name, corpus, str(HERE / "corpus" / name), f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10",
         "-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={corpus}/found-"],
        TARGETS[name],
    )  # fmt: skip
    atheris.Fuzz()


def keep(name: str, grown: Path) -> None:
    """Take the newest of the new inputs into the corpus that is kept."""
    folder = HERE / "corpus" / name
    have = {path.read_bytes() for path in folder.iterdir()}
    fresh = sorted(
        (path for path in grown.iterdir() if path.read_bytes() not in have), key=lambda p: -p.stat().st_mtime
    )
    for path in fresh[: max(0, KEPT - len(have))]:
        (folder / path.name[:16]).write_bytes(path.read_bytes())


def main() -> int:
    """Fuzz each target in a process of its own; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        fuzz(options.targets[0], options.inside, options.seconds)
        return 0
    failed = []
    for name in options.targets or sorted(path.name for path in (HERE / "corpus").iterdir()):
        with tempfile.TemporaryDirectory() as grown:
            command = [sys.executable, __file__, name, "--seconds", str(options.seconds), "--inside", grown]
            if subprocess.run(command, check=False).returncode:
                failed.append(name)
            keep(name, Path(grown))
    sys.stdout.write(("found something: " + ", ".join(failed) if failed else "nothing found") + "\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
