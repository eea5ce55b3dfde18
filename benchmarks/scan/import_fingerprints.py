"""Write `imported.yaml`: the public fingerprints of AI-Infra-Guard as weak rules in our own format.

python benchmarks/scan/import_fingerprints.py FOLDER_OF_FINGERPRINTS

Kept: GET requests, words of the body and of the headers, titles. Dropped: what any server fulfils (a JSON key such as
`"status"`, a body that begins with a brace), hashes of icons in another format, requests that change something, and
paths that make a server work (`/health` of some gateways calls every model). Words of a start page without any mark-up
are prose, which a page that merely writes about a product has too: they support, and never begin, a guess.
"""

import argparse
import re
from pathlib import Path

import yaml

TARGET = Path(__file__).parents[2] / "src/jingwei/deploy/fingerprint/imported.yaml"
HEAD = """# Weak rules, made by benchmarks/scan/import_fingerprints.py: a single hit is a guess and names nothing.
# Based on Tencent Zhuque Lab AI-Infra-Guard (https://github.com/Tencent/AI-Infra-Guard), Apache-2.0; see NOTICE.
"""
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|body|header|icon|hash|==|!=|~=|=|&&|\|\||\(|\)')
ANY_SERVER = {
    "status", "ok", "version", "object", "data", "error", "name", "checks", "api", "memory", "uptime", "healthy",
    "uvicorn", "application/json", "message", "documents", "needs_setup", "step", "registration_enabled", "result",
    "collections", "extensions", "needcode", "errorcode", "server", "services", "database", "lang", "theme", "health",
}  # fmt: skip
MAKES_WORK = {"/health", "/health_generate", "/mcp"}
REFUSAL = re.compile(r"unauth|denied|authorization|api key|required|invalid|cannot handle|realm", re.IGNORECASE)
MARKED = re.compile(r'[<>"=_{}/:;]')


def alternatives(expression):
    """Return an expression as a list of conjunctions of (part, operator, words)."""
    tokens, at = TOKEN.findall(expression), 0

    def primary():
        nonlocal at
        if tokens[at] == "(":
            at += 1
            found = whole()
            at += 1
            return found
        part, operator, words = tokens[at : at + 3]
        at += 3
        return [[(part, operator, re.sub(r"\\(.)", r"\1", words[1:-1]))]]

    def whole():
        nonlocal at
        found = primary()
        while at < len(tokens) and tokens[at] in {"&&", "||"}:
            operator, at = tokens[at], at + 1
            other = primary()
            found = [[*one, *two] for one in found for two in other] if operator == "&&" else found + other
        return found

    return whole()


def fact(path, conjunction):
    """Return one conjunction as a fact; nothing where it says too little."""
    wanted, words, heads = {"path": path}, [], []
    for part, operator, said in conjunction:
        title = re.fullmatch(r"<?title>([^<]+)(</title>?)?", said)
        if part in {"icon", "hash"} or operator not in {"=", "=="}:
            return None
        if part == "header":
            heads.append(said)
        elif title:
            wanted["title"] = "(?i)" + re.escape(title[1]) + ("" if title[2] else ".*")
        else:
            words.append(said)
    telling = [each for each in (*words, *heads) if each.strip(' "{}:\\').lower() not in ANY_SERVER and len(each) > 3]
    telling = [each for each in telling if MARKED.search(each) or not REFUSAL.search(each)]
    if not telling and "title" not in wanted:
        return None
    if words:
        wanted["words"] = words
    if heads:
        wanted["heads"] = heads
    if any(REFUSAL.search(each) for each in (*words, *heads)):
        wanted["status"] = []
    if path == "/" and "title" not in wanted and not heads and not any(MARKED.search(each) for each in telling):
        wanted["generic"] = True
    return wanted


def rule(source):
    """Return one fingerprint as a weak rule; nothing where no fact is left."""
    info = source["info"]
    facts = []
    for request in source["http"]:
        if request.get("method", "GET") != "GET" or request["path"] in MAKES_WORK:
            continue
        for expression in request.get("matchers") or []:
            facts += [found for each in alternatives(expression) if (found := fact(request["path"], each))]
    if not any(not each.get("generic") for each in facts):
        return None
    facts.sort(key=lambda each: each.get("generic", False))
    versions = []
    for each in source.get("version") or []:
        extractor = each.get("extractor") or {}
        written = re.sub(r"(?<!\\)\.[*+]", ".{0,200}", extractor.get("regex", ""))  # a hostile page is long
        if extractor.get("group") == 1 and extractor.get("part") == "body" and each["path"] not in MAKES_WORK:
            versions.append({"path": each["path"], "pattern": written})
    ident = re.sub(r"[^a-z0-9]+", "-", info["name"].lower()).strip("-")
    found = {"id": ident, "name": info["name"], "vendor": str(info["metadata"].get("vendor", "")), "facts": facts}
    return found | ({"version": versions} if versions else {}) | {"blind": False}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    paths = sorted(options.parse_args().folder.rglob("*.yaml"))
    sources = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths]
    rules = {found["id"]: found for source in sources if (found := rule(source))}
    body = yaml.safe_dump([rules[name] for name in sorted(rules)], allow_unicode=True, sort_keys=False, width=118)
    TARGET.write_text(HEAD + body, encoding="utf-8")
    names = {source["info"]["name"] for source in sources}
    print(f"{len(names)} components read, {len(rules)} rules written")


if __name__ == "__main__":
    main()
