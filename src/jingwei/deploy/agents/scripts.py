"""Tools in JavaScript and TypeScript servers, found by their shape: what each tells the model."""

import re
from collections.abc import Iterator

from jingwei.deploy.agents.things import Spoken, Thing

_STRING = r"(?:\"((?:\\.|[^\"\\\n]){0,4000})\"|'((?:\\.|[^'\\\n]){0,4000})'|`((?:\\.|[^`\\]){0,8000})`)"
_CALL = re.compile(
    rf"\.(?:tool|registerTool|addTool|prompt|registerPrompt|resource|registerResource)\(\s*(?:\{{\s*name\s*:\s*)?{_STRING}"
)
_DESCRIPTION = re.compile(rf"\b(?:description|describe|title|instructions|summary)\s*(?::|\()\s*{_STRING}")
_NEXT = re.compile(rf"\s*,\s*{_STRING}")
_RETURNED = re.compile(rf"\btext\s*:\s*{_STRING}")
_SERVER = re.compile(
    r"@modelcontextprotocol/|McpServer|FastMCP|ListToolsRequestSchema|\.registerTool\(|mcp-framework|setRequestHandler"
)
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "'": "'", "`": "`", "\\": "\\", "r": "\r"}
_MOST = 2_000


def is_server(code: str) -> bool:
    """Tell whether a script looks like an MCP server."""
    return bool(_SERVER.search(code))


def told_by(code: str, path: str) -> Iterator[Thing]:
    """Give each tool that a script registers, and the descriptions that stand in it."""
    starts = [(match.start(), _first(match), match.end()) for match in _CALL.finditer(code)][:_MOST]
    for number, (start, name, end) in enumerate(starts):
        stop = starts[number + 1][0] if number + 1 < len(starts) else len(code)
        said = [Spoken("name", "name", name)]
        following = _NEXT.match(code, end)
        if following:
            said.append(Spoken("description", "speech", _first(following)))
        said += _said(code, start, stop)
        line = code.count("\n", 0, start) + 1
        yield Thing(f"{path}!{name}", "tool", name, {}, tuple(each for each in said if each.text.strip()), line=line)
    before = starts[0][0] if starts else len(code)
    rest = tuple(_said(code, 0, before))
    if rest:
        yield Thing(path, "code", "", {}, rest)


def _said(code: str, start: int, stop: int) -> list[Spoken]:
    said = [Spoken("description", "speech", _first(match)) for match in _DESCRIPTION.finditer(code, start, stop)]
    said += [Spoken("result", "speech", _first(match)) for match in _RETURNED.finditer(code, start, stop)]
    return [each for each in said[:_MOST] if each.text.strip()]


def _first(match: re.Match[str]) -> str:
    raw = next((group for group in match.groups() if group is not None), "")
    return re.sub(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", _unescaped, raw)


def _unescaped(match: re.Match[str]) -> str:
    mark = match[1]
    return chr(int(mark[1:], 16)) if len(mark) > 1 else _ESCAPES.get(mark, mark)
