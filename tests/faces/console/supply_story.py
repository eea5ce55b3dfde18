"""Scans of the live System: real model files, its parts, a flaw, services on a host, a hostile name, two fixes."""

import pickle
from datetime import timedelta
from hashlib import sha256

from console_story import ROOT, Story, _evidence

from jingwei.core.evidence import Artefact, Outcome
from jingwei.core.finding import Location, Severity
from jingwei.core.text import Both
from jingwei.deploy.artifacts import scan_file
from jingwei.deploy.bom import Component, write_bom
from jingwei.deploy.fixing import Fix, Queue
from jingwei.deploy.fixing.queue import Edit
from jingwei.deploy.scanned import ARTEFACT, Scanned, Seen, kept

HOSTILE = "<script>alert(1)<script>.pkl"
EVIL = b"cos\nsystem\n(S'true'\ntR."


def supplied(story: Story) -> None:
    """Add the evidence and the fixes."""
    live = story.systems["staff-assistant"]
    folder = story.platform.settings.home / "models"
    folder.mkdir()
    (folder / HOSTILE).write_bytes(EVIL)
    (folder / "good.pkl").write_bytes(pickle.dumps({"w": [1.0]}))
    (folder / "torn.pkl").write_bytes(pickle.dumps({"w": [1.0]})[:-4])
    files = [scan_file(path, path.name) for path in sorted(folder.iterdir())]
    with story.platform.work(ROOT, "story.supply") as work:
        for type_id, kind, scanned in (
            ("EV-MODEL-SCAN", "model", files), ("EV-AIBOM", "bom", _parts()), ("EV-VULN", "advisories", _flaws()),
            ("EV-CONFIG", "exposure", _services()),
        ):  # fmt: skip
            content = kept(kind, scanned).content()
            blob = story.platform.blobs.put(content)
            artefact = Artefact(name=ARTEFACT, media_type="application/json", sha256=blob.sha256, size=blob.size)
            kept_too = (artefact, _document(story)) if kind == "bom" else (artefact,)
            bad = any(one.findings for one in scanned)
            story.evidence[f"scan {kind}"] = _evidence(
                story, work, live, type_id, artefacts=kept_too, examined=len(scanned),
                outcome=Outcome.FAIL if bad else Outcome.PASS,
            )  # fmt: skip
    _fixes(story)


def _seen(rule: str, severity: Severity, said: str, where: str) -> Seen:
    words = Both(zh=f"{said}（中文）", en=said)
    return Seen(rule_id=rule, severity=severity, title=words, detail=words, remedy=words, location=Location(path=where),
                evidence="x == 1")  # fmt: skip


def _parts() -> list[Scanned]:
    libraries = [
        Scanned(path=f"library-{number}@1.{number}", format="library",
                facts={"kind": "library", "version": f"1.{number}", "purl": f"pkg:pypi/library-{number}@1.{number}",
                       "licence": "MIT"})
        for number in range(40)
    ]  # fmt: skip
    flawed = Scanned(path="mlflow@2.8.0", format="library",
                     facts={"kind": "library", "version": "2.8.0", "purl": "pkg:pypi/mlflow@2.8.0"})  # fmt: skip
    model = Scanned(path="smollm2-135m-instruct", format="model", facts={"kind": "model", "licence": "Apache-2.0"})
    return [model, flawed, *libraries]


def _document(story: Story) -> Artefact:
    parts = [Component(kind="library", name="mlflow", version="2.8.0"), Component(kind="library", name="ollama")]
    written = write_bom(parts, name="staff-assistant", version="1", at=story.clock())
    blob = story.platform.blobs.put(written)
    return Artefact(name="ai-bom.cdx.json", media_type="application/json", sha256=blob.sha256, size=blob.size)


def _flaws() -> list[Scanned]:
    found = (_seen("advisories.CVE-2023-6831", Severity.HIGH, "Path traversal", "mlflow"),
             _seen("advisories.CVE-2024-37052", Severity.CRITICAL, "Untrusted pickle is loaded", "mlflow"))  # fmt: skip
    return [Scanned(path="mlflow@2.8.0", findings=found, facts={
        "name": "mlflow", "version": "2.8.0", "fixed": "2.9.2", "purl": "pkg:pypi/mlflow@2.8.0",
        "published": "CVE-2023-6831=2023-12-15;CVE-2024-37052=2024-06-04T12:00:00Z"})]  # fmt: skip


def _services() -> list[Scanned]:
    open_one = _seen("exposure.open", Severity.HIGH, "Serves anyone", "http://127.0.0.1:11434")
    return [
        Scanned(path="http://127.0.0.1:11434", format="ollama", findings=(open_one,),
                facts={"component": "ollama", "version": "0.11.3", "auth": "open"}),
        Scanned(path="http://127.0.0.1:8888", format="jupyter", facts={"component": "jupyter", "auth": "login"}),
    ]  # fmt: skip


def _fixes(story: Story) -> None:
    queue, now = Queue(story.platform.settings.fixes_path), story.clock()
    words = Both(zh="证书未校验", en="Certificates are not checked")
    line = Edit(line=3, before="verify=False", after="verify=True")
    first = Fix(id="3f2a00000001", kind="code", target="/srv/app", rule="code.tls-off", severity=Severity.HIGH,
                title=words, detail=words, path="app.py", where="app.py", found_at=now - timedelta(days=9),
                edits=(line,), diff="--- a/app.py\n+++ b/app.py\n-verify=False\n+verify=True\n",
                before_sha256=sha256(b"").hexdigest(), proposed_at=now - timedelta(days=9))  # fmt: skip
    done = first.model_copy(update={"id": "3f2a00000002", "applied_at": now, "applied_by": "lin", "closed_at": now})
    queue.keep(first)
    queue.keep(done)
