"""Exposure: real services and decoys on loopback, ours beside the rules of AI-Infra-Guard on the same ones, in one run.

python benchmarks/scan/exposure.py [--peers FOLDER] [--data FOLDER] [--only NAME …] [--json FILE]

`--peers` holds one virtual environment a service (`services.yaml` names them, such as `FOLDER/services/gradio`): a
service is started on a free loopback port, asked, and ended. `--data` holds the public data: there the rules of
AI-Infra-Guard are evaluated as its source does (`supply-kit/fp/aig_emul.py`; not its own program). Told for each: the
component, its version, whether a login is asked for, components seen that are not there, requests, CPU time.
"""

import argparse
import json
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from jingwei.deploy.fingerprint.rule import fixtures, strong, weak
from jingwei.deploy.fingerprint.scanner import Options, scan

HERE = Path(__file__).parent
sys.path.append(str(HERE))

from services import installed, running, services, versions  # noqa: E402 - beside this file

NAMES = [rule.name for rule in (*strong(), *weak())]
FIXTURES = fixtures()


def _json(value, status=200):
    return status, "application/json", json.dumps(value)


def _honeypot(path):
    for fixture in FIXTURES:
        if path in fixture["answers"]:
            answer = fixture["answers"][path]
            body = json.dumps(answer["json"]) if "json" in answer else answer.get("text", "")
            return answer.get("status", 200), "application/json" if "json" in answer else "text/html", body
    return 404, "text/plain", ""


MODELS = {"object": "list", "data": [{"id": "our-model", "object": "model", "created": 1, "owned_by": "us"}]}
BLOG = f"<title>Blog</title>Ollama is running and more: {', '.join(NAMES)}"
DECOYS = {
    "fastapi-404": lambda _: _json({"detail": "Not Found"}, 404),
    "spa": lambda _: (200, "text/html", "<title>My Shop</title><div id=root></div>"),
    "openai-compatible": lambda path: _json(MODELS) if path == "/v1/models" else _json({"error": "not found"}, 404),
    "blog": lambda path: (200, "text/html", BLOG) if path == "/" else (404, "text/html", "nope"),
    "echo": lambda path: _json({"path": path, "version": "1.2.3", "models": [], "data": [], "status": "ok"}),
    "all-banners": lambda _: (200, "text/html", "".join(f"<title>{each}</title>" for each in NAMES)),
    "honeypot": _honeypot,
    "version-only": lambda path: _json({"version": "1.2.3"}) if "version" in path else _json({}, 404),
}


def decoy(answer):
    """Start a server that answers each path by a function; give its address and the count of its requests."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.path)
            status, kind, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815 - the name the server calls

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


def ours(url):
    """Scan one address."""
    started = time.process_time()
    (one,) = scan(url, Options(timeout_seconds=15))
    seconds = time.process_time() - started
    facts = one.facts
    also = [each.split(" ") for each in facts.get("also", "").split("; ") if each]
    told = [(facts["component"], facts["version"])] if "component" in facts else []
    told += [(each[0], each[1] if len(each) > 2 else "") for each in also]
    maybe = [each.evidence for each in one.findings if each.rule_id == "exposure.maybe"]
    return {"told": told, "maybe": maybe, "login": facts.get("auth", ""), "requests": int(facts.get("requests", 0)),
            "cpu": seconds}  # fmt: skip


def theirs(data, url):
    """Evaluate the peer's rules on one address."""
    command = [sys.executable, data / "supply-kit/fp/aig_emul.py", data / "ai-infra-guard", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = re.findall(r"match (.+?) version '(.*?)' advisories", done.stdout)
    return {"told": told, "requests": int(re.search(r"requests (\d+)", done.stdout)[1])}


def judged(told, service, expected):
    """Tell whether the component and one of its versions were told, and what else was."""
    words = [re.sub("[^a-z0-9]", "", each) for each in service["component"]] + service.get("names", [])
    right = [each for each in told if re.sub("[^a-z0-9]", "", each[0].lower()) in words]
    false = [name for name, _ in told if re.sub("[^a-z0-9]", "", name.lower()) not in words]
    return bool(right), any(version in expected for _, version in right), false


def real(name, service, given):
    """Start one service and let both look at it."""
    environments = Path(given.peers) / "services"
    if installed(service, environments) is None:
        return None
    expected = versions(service, environments)
    with running(service, environments) as url:
        if url is None:
            print(f"{name:16} does not start here")
            return None
        row = {"name": name, "expected": expected, "expected_login": service["login"], "ours": ours(url)}
        if given.data:
            row["theirs"] = theirs(given.data, url)
    return row


def shown(row, service):
    """Print one service's row."""
    for who in ("ours", "theirs"):
        if who in row:
            named, versioned, false = judged(row[who]["told"], service, row["expected"])
            row[who] |= {"named": named, "versioned": versioned, "false": false}
            row[who]["login_right"] = row[who].get("login") == row["expected_login"]
            print(f"{row['name']:16} {who:7} {row[who]['told']!s:60} login {row[who].get('login', '-'):8}"
                  f" false {len(false)} requests {row[who]['requests']}", flush=True)  # fmt: skip


def summary(rows, decoys):
    """Print the totals."""
    for who in ("ours", "theirs"):
        have = [row for row in rows if who in row]
        if have:
            count = {key: sum(row[who][key] for row in have) for key in ("named", "versioned", "login_right")}
            wanted = sum(bool(row["expected"]) for row in have)
            print(f"{who}: {count['named']} of {len(have)} named, {count['versioned']} of {wanted} that tell a version,"
                  f" {count['login_right']} of {len(have)} logins told,"
                  f" {sum(len(row[who]['false']) for row in have)} false beside them,"
                  f" {max(row[who]['requests'] for row in have)} requests at most")  # fmt: skip
        seen = [row[who] for row in decoys if who in row]
        if seen:
            print(f"{who}: {sum(len(each['told']) for each in seen)} components on {len(seen)} decoys")
    cpu = sorted(row["ours"]["cpu"] for row in (*rows, *decoys))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"ours: {cpu[len(cpu) // 2]:.3f} s CPU a service (median), {peak} MiB at most for the whole run")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--peers", type=Path)
    options.add_argument("--data", type=Path)
    options.add_argument("--only", nargs="*")
    options.add_argument("--json", type=Path, help="write every row")
    given = options.parse_args()
    socket.setdefaulttimeout(30)
    rows = []
    for name, service in services().items() if given.peers else ():
        if given.only and name not in given.only:
            continue
        row = real(name, service, given)
        if row:
            shown(row, service)
            rows.append(row)
    decoys = []
    for name, answer in DECOYS.items():
        server, url = decoy(answer)
        row = {"name": name, "ours": ours(url)} | ({"theirs": theirs(given.data, url)} if given.data else {})
        server.shutdown()
        server.server_close()
        decoys.append(row)
        print(f"{name:16} decoy   ours {row['ours']['told']} theirs {row.get('theirs', {}).get('told', '-')}")
    summary(rows, decoys)
    if given.json:
        given.json.write_text(json.dumps({"services": rows, "decoys": decoys}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
