"""The process in which Inspect runs one task: one line of JSON in, `result.json` out; it ends when its parent does.

Needs nothing of this package, so that any Python with `inspect_ai` can run it. Every import of it is late: what is
imported first is read before the parent's line.
"""

import importlib
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

PROVIDER = "jingwei-target"


def _until_the_parent_ends() -> None:
    """Wait for the end of standard input, which comes however the parent dies."""
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(1)


def _run(asked: dict[str, Any]) -> dict[str, Any]:  # Any: JSON, written by our own parent
    try:
        inspect_ai = importlib.import_module("inspect_ai")
        importlib.import_module("openai")  # by which Inspect asks an endpoint
    except ImportError as error:
        return {"failed": "missing", "why": str(error)}
    variable = PROVIDER.upper().replace("-", "_")
    os.environ[f"{variable}_BASE_URL"] = asked["url"]
    os.environ[f"{variable}_API_KEY"] = asked["key"] or "none"
    logs = inspect_ai.eval(
        asked["task"],
        model=f"openai-api/{PROVIDER}/{asked['model']}",
        task_args=asked["arguments"],
        limit=asked["limit"],
        log_dir=asked["folder"],
        log_format="eval",
        log_realtime=False,
        log_samples=True,
        display="none",
        ctl_server=False,
        fail_on_error=False,
        max_connections=asked["concurrency"],
        seed=asked["seed"],
    )
    if len(logs) != 1:
        return {"failed": "several", "names": [str(log.eval.task) for log in logs]}
    [log] = logs
    if log.status != "success":
        return {"failed": "task", "why": str(log.error.message if log.error else log.status)}
    scores = log.results.scores if log.results else []
    figures = [
        {"scorer": str(score.name), "name": str(name), "value": float(metric.value)}
        for score in scores
        for name, metric in score.metrics.items()
        if isinstance(metric.value, int | float)
    ]
    return {"log": Path(str(log.location)).name, "figures": figures}


def main() -> None:
    """Run the one task and leave what came of it."""
    sys.path[:] = [each for each in sys.path if Path(each or ".").resolve() != Path(__file__).resolve().parent]
    asked = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_until_the_parent_ends, daemon=True).start()
    try:
        found = _run(asked)
    except Exception as error:  # noqa: BLE001 - somebody else's task: whatever it raises is what is told
        found = {"failed": "task", "why": f"{type(error).__name__}: {error}"}
    Path(asked["folder"], "result.json").write_text(json.dumps(found), encoding="utf-8")
    os._exit(0)  # threads of the task and of its libraries do not keep it


if __name__ == "__main__":
    main()
