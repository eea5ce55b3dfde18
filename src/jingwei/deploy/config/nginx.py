"""nginx configuration: a small parser, and what stands open in front of a model."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from jingwei.deploy.config.workload import Note

_TOKEN = re.compile(
    r"#[^\n]*|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[{};]|(?:[^\s{};\"'#\\]|\\.|\$\{\w+\})+|\n|\s|.", re.DOTALL
)
_MODEL_PORTS = frozenset(
    {"11434", "8265", "8888", "7860", "8188", "30000", "4000", "6333", "19530", "8501", "23333", "9997", "5001"}
)
_MODEL_NAMES = re.compile(
    r"(?i)ollama|vllm|sglang|\btgi\b|llm|triton|\bray\b|jupyter|mlflow|comfy|gradio|litellm|langflow|qdrant|milvus"
    r"|chroma|inference|llama|xinference|lmdeploy|openai|dify|flowise|n8n|streamlit|\bmodels?\b"
)
_MODEL_PATHS = re.compile(r"^(=|\^~|~\*?)?\s*/?(v1(/|$)|api/(generate|chat|tags)|chat/completions)")
_LOGINS = frozenset({"auth_basic", "auth_request", "auth_jwt", "deny", "ssl_verify_client", "auth_digest", "oidc"})
_OLD_TLS = frozenset({"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"})
_WEAK = re.compile(r"(?<![!\w-])(RC4|DES|3DES|NULL|EXPORT|aNULL|eNULL|MD5)\b")
_DEEPEST = 30
_MOST = 100_000


class BrokenError(ValueError):
    """The blocks do not close, or nest too deep."""


@dataclass(slots=True)
class Directive:
    """One directive with its block."""

    name: str
    arguments: list[str]
    line: int
    block: list["Directive"] = field(default_factory=list)

    def all(self, name: str) -> Iterator["Directive"]:
        """Give the directives of a name directly inside."""
        yield from (each for each in self.block if each.name == name)


def read_nginx(text: str) -> list[Directive]:
    """Parse a configuration.

    Raises:
        BrokenError: it does not hold.
    """
    root = Directive("", [], 0)
    stack = [root]
    words: list[str] = []
    line = first = 1
    for count, match in enumerate(_TOKEN.finditer(text)):
        piece = match.group()
        if count > _MOST * 4 or len(stack) > _DEEPEST:
            raise BrokenError
        if piece in {";", "{"}:
            directive = Directive(words[0] if words else "", [each.strip("\"'") for each in words[1:]], first)
            stack[-1].block.append(directive)
            words = []
            if piece == "{":
                stack.append(directive)
        elif piece == "}":
            if len(stack) == 1:
                raise BrokenError
            stack.pop()
            words = []
        elif not piece.isspace() and not piece.startswith("#"):
            first = first if words else line
            words.append(piece)
        line += piece.count("\n")
    if len(stack) != 1:
        raise BrokenError
    return root.block


def is_nginx(text: str) -> bool:
    """Tell whether a text is nginx configuration by what it says."""
    return bool(re.search(r"(?m)^[ \t]*(server|http|location\s\S+|upstream\s\S+)\s*\{", text)) and bool(
        re.search(r"(?m)^[ \t]*(listen|proxy_pass|server_name|root|server\s+[\w.:]+;)", text)
    )


def nginx_notes(directives: list[Directive]) -> Iterator[Note]:
    """Give what is wrong with a configuration."""
    every = list(_inside(directives))
    upstreams = {each.arguments[0]: " ".join(" ".join(one.arguments) for one in each.block)
                 for each in every if each.name == "upstream" and each.arguments}  # fmt: skip
    outer = [each for each in directives if each.name not in {"http", "server"}]
    for http in [Directive("http", [], 0, directives), *(each for each in directives if each.name == "http")]:
        shared = [*outer, *(each for each in http.block if each.name != "server")]
        for server in http.all("server"):
            yield from _server(server, shared, upstreams)
    for each in every:
        yield from _anywhere(each)


def _inside(directives: list[Directive]) -> Iterator[Directive]:
    for each in directives:
        yield each
        yield from _inside(each.block)


def _anywhere(each: Directive) -> Iterator[Note]:
    said = " ".join(each.arguments)
    if each.name == "autoindex" and said == "on":
        yield Note("config.folder-listing", each.line, "autoindex on")
    elif each.name == "ssl_protocols" and _OLD_TLS & set(each.arguments):
        yield Note("config.old-tls", each.line, said)
    elif each.name == "ssl_ciphers" and _WEAK.search(said):
        yield Note("config.old-tls", each.line, said[:60])
    elif each.name == "proxy_pass" and re.search(r"//\$(arg_|http_|uri|request_uri|\{?arg|1|2)", said):
        yield Note("config.proxy-anywhere", each.line, said[:80])
    elif each.name == "location":
        yield from _alias(each)
    elif each.name == "client_max_body_size" and said in {"0", "0m"}:
        yield Note("config.no-body-limit", each.line, said)


def _alias(location: Directive) -> Iterator[Note]:
    where = location.arguments[-1] if location.arguments else ""
    plain = len(location.arguments) == 1 or location.arguments[:1] == ["^~"]
    for each in location.all("alias"):
        if plain and not where.endswith("/") and each.arguments and each.arguments[0].endswith("/"):
            yield Note("config.alias-escape", each.line, f"location {where} alias {each.arguments[0]}")


def _server(server: Directive, shared: list[Directive], upstreams: dict[str, str]) -> Iterator[Note]:
    listens = [" ".join(each.arguments) for each in server.all("listen")] or ["80"]
    if all(each.startswith(("127.", "localhost", "[::1]", "unix:")) for each in listens):
        return
    encrypted = all("ssl" in each.split() or "quic" in each for each in listens)
    for location, proxied in _proxied(server):
        target = " ".join(proxied.arguments)
        if not _is_model(target, location, server, upstreams):
            continue
        around = [*shared, *server.block, *location.block]
        if not _asks_login(around):
            yield Note("config.proxy-without-login", proxied.line, target[:80])
        if not encrypted:
            yield Note("config.no-tls", server.line, listens[0])
            encrypted = True  # told once
        if not any(each.name in {"limit_req", "limit_conn"} for each in around):
            yield Note("config.no-rate-limit", proxied.line, target[:80])


def _proxied(server: Directive) -> Iterator[tuple[Directive, Directive]]:
    for each in server.all("location"):
        for proxied in _inside(each.block):
            if proxied.name in {"proxy_pass", "grpc_pass"}:
                yield each, proxied
    for proxied in server.all("proxy_pass"):
        yield server, proxied


def _is_model(target: str, location: Directive, server: Directive, upstreams: dict[str, str]) -> bool:
    match = re.match(r"(?:https?|grpcs?)://([^/:$]+)(?::(\d+))?", target)
    if match is None:
        return False
    behind = upstreams.get(match[1], "")
    ports = {match[2] or "", *re.findall(r":(\d+)", behind)}
    names = f"{match[1]} {behind} " + " ".join(" ".join(each.arguments) for each in server.all("server_name"))
    path = " ".join(location.arguments) if location.name == "location" else ""
    return bool(ports & _MODEL_PORTS) or bool(_MODEL_NAMES.search(names)) or bool(_MODEL_PATHS.match(path))


def _asks_login(around: list[Directive]) -> bool:
    for each in around:
        said = " ".join(each.arguments)
        if each.name in _LOGINS and said not in {"off", "none"}:
            return True
        if each.name == "if" and re.search(
            r"\$http_(authorization|x_api_key)|\$(api|auth|valid)\w*|ssl_client_verify", said
        ):
            return True
        if each.name == "access_by_lua_block" or each.name.startswith("access_by_lua"):
            return True
    return False
