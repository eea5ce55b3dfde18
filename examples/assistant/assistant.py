"""The staff assistant: passages from the handbook, two tools, any OpenAI-compatible endpoint. Standard library only.

JINGWEI_URL=http://127.0.0.1:8011/v1 JINGWEI_KEY=… python assistant.py "How long is annual leave?"
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOL_CALL = re.compile(r"TOOL:\s*(search_handbook|book_room)\(([^)\n]{0,200})\)")


def passages() -> list[str]:
    """Read the handbook."""
    return [json.loads(line)["text"] for line in (HERE / "handbook.jsonl").read_text(encoding="utf-8").splitlines()]


def search_handbook(query: str, count: int = 2) -> list[str]:
    """Return the passages that share most word pieces with the query; Chinese is compared by character pairs."""

    def pieces(text: str) -> set[str]:
        words = set(re.findall(r"[a-z]{3,}", text.lower()))
        han = "".join(re.findall(r"[\u4e00-\u9fff]", text))
        return words | {han[i : i + 2] for i in range(len(han) - 1)}

    wanted = pieces(query)
    return sorted(passages(), key=lambda text: -len(wanted & pieces(text)))[:count]


def book_room(room: str, time: str) -> str:
    """Write a reservation; it can be taken back by deleting its line."""
    with (Path.cwd() / "reservations.txt").open("a", encoding="utf-8") as file:
        file.write(f"{room}\t{time}\n")
    return f"{room} reserved for {time}"


def chat(messages: list[dict[str, str]]) -> str:
    """Ask the endpoint; the gateway in front of it answers for what comes back."""
    body = json.dumps({"model": "assistant", "messages": messages, "max_tokens": 96, "temperature": 0}).encode()
    request = urllib.request.Request(
        os.environ.get("JINGWEI_URL", "http://127.0.0.1:8011/v1") + "/chat/completions",
        body,
        {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ.get('JINGWEI_KEY', '')}"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)["choices"][0]["message"]["content"] or ""


def answer(question: str, canary: str = "") -> str:
    """Answer one question, with at most one tool call in between."""
    prompt = (HERE / "prompt.txt").read_text(encoding="utf-8").replace("{canary}", canary)
    context = "\n".join(search_handbook(question))
    messages = [
        {"role": "system", "content": prompt},
        {"role": "user", "content": f"Passages:\n{context}\n\nQuestion: {question}"},
    ]
    reply = chat(messages)
    call = TOOL_CALL.search(reply)
    if not call:
        return reply
    arguments = [part.strip().strip("\"'") for part in call[2].split(",", 1)]
    result = "\n".join(search_handbook(call[2])) if call[1] == "search_handbook" else book_room(*arguments[:2])
    messages += [{"role": "assistant", "content": reply}, {"role": "user", "content": f"Tool result:\n{result}"}]
    return chat(messages)


if __name__ == "__main__":
    try:
        print(answer(" ".join(sys.argv[1:]) or "How many days of annual leave do I get?"))
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.code}: {error.read().decode()[:500]}")
