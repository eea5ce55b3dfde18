"""The benchmarks of one vertical, one after the other; its `__main__.py` says which, and what each needs."""

import subprocess
import sys
import time


def run_all(folder, commands, *, peers, environments, only):
    """Run scripts, and end with an error that names those that failed.

    Args:
        folder: where the scripts are.
        commands: each script's name with its arguments; those that lack something have None.
        peers: by script, the options that take a peer's interpreter, with the folder of its environment.
        environments: folder with one virtual environment a peer, or None.
        only: names of those to run, or nothing for all.
    """
    failed = []
    for name, arguments in commands.items():
        if only and name not in only:
            continue
        if arguments is None:
            print(f"\n── {name}: left out, something it needs was not given", flush=True)
            continue
        given = list(arguments)
        for flag, peer in peers.get(name, {}).items():
            python = (environments / peer / "bin/python").absolute() if environments else None
            if python and python.exists():
                given += [flag, str(python)]
        print(f"\n── {name}", flush=True)
        began = time.monotonic()
        if subprocess.run([sys.executable, str(folder / f"{name}.py"), *given], check=False).returncode:
            failed.append(name)
        print(f"   ({time.monotonic() - began:.0f} s)", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")
