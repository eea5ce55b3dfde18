"""One scanner over files named on standard input, in that scanner's own environment: `python model_scanners.py NAME`.

Prints a JSON list a line: flagged (medium, suspicious or worse), high, incomplete or in error, CPU seconds with those
of child processes, peak memory in MiB. Peers are run as they are meant to be, offline and without telemetry.
"""

import contextlib
import io
import json
import logging
import os
import resource
import subprocess
import sys
from pathlib import Path

os.environ |= {"PROMPTFOO_DISABLE_TELEMETRY": "1", "AISBOM_NO_TELEMETRY": "1", "AISBOM_OFFLINE": "1",
               "NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}  # fmt: skip
BIN = Path(sys.executable).parent
MOST_SECONDS = 300


def command(*words):
    """Run a scanner's own command and return its standard output, exit code."""
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, timeout=MOST_SECONDS, cwd="/", check=False
    )
    return done.stdout, done.returncode


def files(path):
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def jingwei(*, hashed=True):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))
    from jingwei.core.finding import Severity
    from jingwei.deploy.artifacts.scanner import Options, scan

    options = Options(hash=hashed)

    def judged(path):
        worst, gaps = -1, False
        for one in scan(str(path), options):
            worst = max([worst, *(seen.severity.rank for seen in one.findings)])
            gaps = gaps or bool(one.gaps)
        return worst >= Severity.MEDIUM.rank, worst >= Severity.HIGH.rank, gaps

    return judged


def picklescan():
    from picklescan.scanner import SafetyLevel, scan_directory_path, scan_file_path

    def judged(path):
        result = scan_directory_path(str(path)) if path.is_dir() else scan_file_path(str(path))
        levels = {g.safety for g in result.globals}
        dangerous = SafetyLevel.Dangerous in levels
        return dangerous or SafetyLevel.Suspicious in levels, dangerous, result.scan_err or not result.scanned_files

    return judged


def modelscan():
    from modelscan.modelscan import ModelScan

    def judged(path):
        result = ModelScan().scan(str(path))
        counts = result["summary"]["total_issues_by_severity"]
        unread = result["summary"].get("scanned", {}).get("total_scanned", 0) == 0
        high = counts.get("HIGH", 0) + counts.get("CRITICAL", 0) > 0
        return result["summary"]["total_issues"] > 0, high, bool(result["errors"]) or unread

    return judged


def fickling():
    import zipfile

    from fickling.analysis import Severity
    from fickling.loader import scan_file, scan_zip_archive

    def one(path):
        if zipfile.is_zipfile(path):
            return list(scan_zip_archive(str(path), graceful=True).values())
        return [scan_file(str(path), graceful=True)]

    def judged(path):
        worst, error = Severity.LIKELY_SAFE, False
        for file in files(path):
            for result in one(file):
                error = error or bool(result.errors)
                worst = max([worst, *(each.severity for each in result.results)])
        return worst > Severity.LIKELY_SAFE, worst >= Severity.LIKELY_UNSAFE, error

    return judged


def modelaudit():
    def judged(path):
        out, code = command(BIN / "modelaudit", "scan", "--no-cache", "--format", "json", path)
        levels = {str(issue.get("severity")).lower() for issue in json.loads(out[out.find("{") :]).get("issues", [])}
        return bool(levels & {"warning", "critical"}), "critical" in levels, code == 2

    return judged


def hayward():
    def judged(path):
        out, code = command(BIN / "hayward", "scan", path, "--format", "json")
        text = json.dumps(json.loads(out)).lower()
        levels = {each for each in ("critical", "high", "medium") if f'"severity": "{each}"' in text}
        return bool(levels), bool(levels - {"medium"}), code > 2

    return judged


def aisbom():
    import tempfile

    def judged(path):
        with tempfile.TemporaryDirectory() as folder:
            inner, told = Path(folder, "in"), Path(folder, "told.json")
            inner.mkdir()
            (inner / path.name).symlink_to(path)
            _, code = command(BIN / "aisbom", "scan", inner, "--output", told, "--format", "json")
            text = told.read_text().upper() if told.exists() else ""
        high = "CRITICAL" in text or code == 2
        return high or "HIGH" in text or "MEDIUM" in text, high, code not in {0, 2} or not text

    return judged


SCANNERS = {"jingwei": jingwei, "jingwei-unhashed": lambda: jingwei(hashed=False), "picklescan": picklescan,
            "modelscan": modelscan, "fickling": fickling, "modelaudit": modelaudit, "hayward": hayward,
            "aisbom-cli": aisbom}  # fmt: skip


def spent():
    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def peak():
    """Return the peak of this program alone, or of the largest it started; ru_maxrss also counts who started it."""
    own = 0
    with contextlib.suppress(OSError), Path("/proc/self/status").open() as status:
        own = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def main():
    logging.disable(logging.CRITICAL)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        judged = SCANNERS[sys.argv[1]]()
    for line in sys.stdin:
        started = spent()
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                flagged, high, incomplete = judged(Path(line.strip()))
        except (Exception, SystemExit):  # noqa: BLE001 - a scanner that fails in whatever way has told nothing
            flagged, high, incomplete = False, False, True
        print(json.dumps([bool(flagged), bool(high), bool(incomplete), spent() - started, peak()]), flush=True)


if __name__ == "__main__":
    main()
