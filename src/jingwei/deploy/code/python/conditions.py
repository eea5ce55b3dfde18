"""When a call counts: what tells `run(["git", "log"])` from a shell, a read of rows from an agent's `execute`."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from ipaddress import ip_address
from urllib.parse import urlsplit

from jingwei.deploy.code.python.arguments import Arguments
from jingwei.deploy.code.python.knowledge import Habit, Sink, habits_of, knowledge, listed, pattern
from jingwei.deploy.code.python.program import Function
from jingwei.deploy.code.python.value import NOTHING, Value

CREDENTIAL = re.compile(
    r"(?i)(api|access|secret|private|auth|app|account)[_-]?(key|token|secret)|password|passwd|\btoken\b|_token$"
)
_SQL = re.compile(
    r"(?is)\b(select\b.{1,200}\bfrom|insert\s+into|update\b.{1,80}\bset|delete\s+from|drop\s+table|alter\s+table"
    r"|create\s+table|exec(ute)?\s+\w|union\s+select|where\s+\w+\s*(=|like|in))\b"
)
_CHAT_PATH = re.compile(
    r"/chat/completions|/v1/(completions|messages|responses|embeddings)\b|/api/(generate|chat)\b"
    r"|:generateContent|/v1/?$|/invocations$|services/aigc/|/predictions$"
)
_MARKUP = re.compile(
    r"<\s*/?\s*(html|body|div|p|h[1-6]|span|a|ul|li|td|tr|table|pre|b|i|br|form|input|script|img|code|section)\b",
    re.IGNORECASE,
)
_SHELLS = frozenset(
    {"sh", "bash", "zsh", "dash", "ksh", "cmd", "cmd.exe", "powershell", "pwsh", "python", "python3", "node", "perl"}
)
_MODEL_FILE = re.compile(r"(?i)chat_?template|tokenizer|model|\.gguf|adapter|checkpoint")
_HUB_NAME = re.compile(
    r"(?!(?:outputs?|models?|checkpoints?|ckpts?|weights|data|results?|runs|saved_models?|tmp|artifacts|cache|assets|src"
    r"|adapters?|loras?|final|pretrained|local|storage|resources?)/)\w[\w.-]*/\w[\w.-]*(?<!\.gguf)(?<!\.bin)(?<!\.pt)"
)
"""An owner and a name on a hub, and no folder of the program."""
_MODEL_PATH = re.compile(
    r"/(embed|embeddings|rerank|generate|generate_stream|infer|predict|invocations)/?$|/v2/models/"
)
_ROLES = frozenset({"system", "developer"})
_SYSTEM_KEYS = ("system", "system_prompt", "system_instruction", "system_message", "instructions")
_CHOSEN = re.compile(
    r"(globals|locals|vars)\(\)\[\]|__builtins__\[\]|builtins\.__dict__\[\]|getattr\(\)|.*\.__dict__\[\]"
)
_ADDRESS_KEYS = ("base_url", "api_base", "openai_api_base", "endpoint", "azure_endpoint", "host", "url", "server_url",
                 "endpoint_url", "inference_server_url")  # fmt: skip
_LOCAL = frozenset({"localhost", "host.docker.internal", "host.containers.internal", "0.0.0.0", ""})  # noqa: S104 - read, not bound


def chosen_by_name(name: str) -> bool:
    """Tell whether what is called was looked up by a name that is not known."""
    return _CHOSEN.fullmatch(name) is not None


def is_page(text: str) -> bool:
    """Tell whether a text is markup."""
    return _MARKUP.search(text) is not None


def answers_json(function: Function) -> bool:
    """Tell whether a route answers something other than a page unless it says so itself."""
    return any(".APIRouter" in each.name or "fastapi" in each.name.lower() for each in function.decorators)


def asks_model(name: str, arguments: Arguments) -> bool:
    """Tell whether a plain HTTP call goes to a model."""
    if not pattern(("requests.*", "httpx.*", "aiohttp.*.post", "urllib.request.urlopen")).fullmatch(name):
        return False
    address = arguments.get("0", "url") or NOTHING
    second = arguments.at(1)
    body = arguments.keywords.get("json") or arguments.keywords.get("data") or NOTHING
    keys = {key for key, _ in (*body.fields, *second.fields)}
    return _CHAT_PATH.search(_address(address, second)) is not None or bool(
        keys & {"messages", "prompt", "inputs"}
        and keys & {"model", "max_tokens", "temperature", "parameters", "stream"}
    )


def _sends_to_model(name: str, arguments: Arguments) -> bool:
    """Tell whether a plain HTTP call hands a model its input, though what comes back need not be words."""
    body = arguments.keywords.get("json") or NOTHING
    address = (arguments.get("0", "url") or NOTHING).said
    return name.endswith(".post") and (
        bool({key for key, _ in body.fields} & {"inputs", "prompt", "messages"}) or bool(_MODEL_PATH.search(address))
    )


def _address(first: Value, second: Value) -> str:
    return first.said if "/" in first.said else second.said


def system_content(value: Value) -> Value | None:
    """Return what a message in the system's role says."""
    role = value.field("role") if value.name == "dict" else value.field("0")
    if role is None or not isinstance(role.constant, str) or role.constant not in _ROLES:
        return None
    if value.name == "dict":
        return value.field("content")
    return value.field("1") if len(value.fields) == 2 else None


def system_argument(name: str, arguments: Arguments) -> Value | None:
    """Return what a call puts into the system prompt."""
    if name.endswith(("SystemMessage", "SystemMessagePromptTemplate.from_template")):
        return arguments.get("0", "content")
    return next((arguments.keywords[key] for key in _SYSTEM_KEYS if key in arguments.keywords), None)


def habits(name: str, arguments: Arguments, files: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """Give the rules that a call breaks by how it is made, each with its variant."""
    for row in habits_of(name):
        if not _as_written(row, arguments):
            continue
        if row.condition == "model-host":
            note = _cleartext(name, arguments)
            if note is not None:
                yield row.rule, note
        elif row.condition == "asks-model":
            if asks_model(name, arguments):
                yield row.rule, ""
        elif row.condition is None or _holds(row.condition, arguments, files):
            yield row.rule, ""


def _as_written(row: Habit, arguments: Arguments) -> bool:
    given = arguments.keywords
    for key, wanted in row.keywords.items():
        if key not in given or not _is(given[key], wanted):
            return False
    if row.any_keyword and not any(_is(_keyword(given, key), want) for key, want in row.any_keyword.items()):
        return False
    if any(key in given for key in row.without) or (row.without and arguments.rest):
        return False
    return all(_is(arguments.at(place), wanted) for place, wanted in row.positions.items())


def _keyword(given: dict[str, Value], key: str) -> Value:
    """Return a keyword argument, or a member of one: `options.verify_signature`."""
    name, _, member = key.partition(".")
    value = given.get(name, NOTHING)
    return value.field(member) or NOTHING if member else value


def _is(value: Value, wanted: object) -> bool:
    if isinstance(wanted, str) and wanted.startswith("~"):
        listed_ = next((inner.said for key, inner in value.fields if key == "0"), "")
        return re.search(wanted[1:], value.said or listed_) is not None
    return value.constant is wanted if isinstance(wanted, bool) or wanted is None else value.constant == wanted


def _holds(condition: str, arguments: Arguments, files: AbstractSet[str]) -> bool:
    first = arguments.get("0", "source", "template") or NOTHING
    if condition == "prompt-template":
        return not first.known and not first.taints and _foreign_template(first, files)
    if condition == "unpinned":
        return _unpinned(arguments)
    if condition == "any-value":
        return not first.known
    if condition == "credentials":
        given = arguments.keywords.get("allow_origins") or arguments.keywords.get("origins") or NOTHING
        return "*" in {each.constant for _, each in given.fields} or given.constant == "*"
    loader = arguments.get("1", "Loader")
    return condition == "unsafe-loader" and (
        loader is None or (loader.name.startswith("yaml.") and "Safe" not in loader.name)
    )


def _unpinned(arguments: Arguments) -> bool:
    """Tell whether a model is fetched from a hub by its name alone, so that what comes may change."""
    revision = arguments.keywords.get("revision")
    if arguments.rest or (revision is not None and revision.constant not in {None, "main", "master"}):
        return False
    keys = ("model", "repo_id", "pretrained_model_name_or_path", "model_name_or_path")
    given = [*arguments.positional[:2], *(arguments.keywords[key] for key in keys if key in arguments.keywords)]
    return any(isinstance(each.constant, str) and _HUB_NAME.fullmatch(each.constant) for each in given)


def _foreign_template(source: Value, files: AbstractSet[str]) -> bool:
    """Tell whether a template comes from a model or from somewhere unknown, not from a file of this program."""
    named = source.said.replace("\\", "/").rpartition("/")[2]
    if _MODEL_FILE.search(source.said) or "chat_template" in source.name:
        return True
    return source.name.endswith(("open().read()", "read_text()")) and bool(named) and named not in files


def _cleartext(name: str, arguments: Arguments) -> str | None:
    """Return how a model is reached without encryption: none, or which variant of the rule."""
    plain_http = pattern(("requests.*", "httpx.*", "aiohttp.*")).fullmatch(name)
    if plain_http and not asks_model(name, arguments) and not _sends_to_model(name, arguments):
        return None
    given = [arguments.keywords[key] for key in _ADDRESS_KEYS if key in arguments.keywords]
    for value in [*given, *arguments.positional[:2]]:
        match = re.match(r"http://[^\s\"'<>\u2026]+", value.said)
        if match is not None:
            return cleartext_host(match.group())
    return None


def cleartext_host(address: str) -> str | None:
    """Return which variant an address is: none for this machine, `near` for a name without a dot, else empty."""
    try:
        host = (urlsplit(address).hostname or "").lower()
    except ValueError:
        return None
    if host in _LOCAL or host.endswith((".localhost", ".svc", ".svc.cluster.local")):
        return None
    try:
        return None if ip_address(host).is_loopback else ""
    except ValueError:
        return "near" if "." not in host else ""


def at_sink(row: Sink, name: str, arguments: Arguments, *, owner: Value) -> Iterator[Value]:
    """Give the arguments of a dangerous call that count."""
    if row.arguments == ("self",):
        yield owner
        return
    values = arguments.every() if row.arguments == ("*",) else [arguments.get(*row.arguments) or NOTHING]
    for value in values:
        if row.condition == "shell":
            yield from _commands(row, value, arguments)
        elif row.condition == "sql":
            if _is_query(name, value):
                yield value
        elif row.condition == "html":
            flag = arguments.keywords.get("unsafe_allow_html", NOTHING)
            if flag.constant is True:
                yield value
        elif row.condition == "page":
            kind = arguments.get("mimetype", "content_type", "media_type", "headers") or NOTHING
            if is_page(value.said) or "html" in kind.said:
                yield value
        else:
            yield value


def _commands(row: Sink, value: Value, arguments: Arguments) -> Iterator[Value]:
    """Give what decides the command: all of it in a shell, the program where there is none."""
    in_shell = arguments.keywords.get("shell", NOTHING).constant is True
    words = [each for _, each in value.fields] if value.name in {"list", "tuple"} else []
    if words:
        program = str(words[0].constant).rpartition("/")[2] if words[0].known else ""
        interprets = program in _SHELLS and any(
            each.constant in {"-c", "/c", "-Command", "-lc", "-e"} for each in words
        )
        if (in_shell or interprets) and row.rule == "code.command":
            yield value
        elif row.rule == "code.program" and not in_shell and not program and not interprets:
            yield words[0]
    elif in_shell == (row.rule == "code.command"):
        yield value


def _is_query(name: str, value: Value) -> bool:
    if value.known:
        return False
    if _SQL.search(value.said):
        return value.built
    receiver = ".".join(name.split(".")[-2:])
    made = re.search(r"connect\(\)|cursor\(\)|sqlite3|create_engine", name)
    if re.search(r"engine\w*(\(\))?\.a?query$", receiver) and made is None:
        return False  # an engine that answers questions; a database's has no such method
    return listed("databases", receiver) or listed("database_libraries", name) or made is not None


def assignment_habits(name: str, value: Value) -> list[str]:
    """Return the rules that an assignment to an attribute breaks."""
    found = []
    if name.endswith(".debug") and value.constant is True and "()" in name and "Flask" in name:
        found.append("code.debug")
    if name == "ssl._create_default_https_context" and "unverified" in value.name:
        found.append("code.tls-off")
    if name.endswith((".verify",)) and value.constant is False and "ession()" in name:
        found.append("code.tls-off")
    if name.endswith((".api_base", ".base_url")) and value.said.startswith("http://") and \
            cleartext_host(value.said) is not None:  # fmt: skip
        found.append("code.cleartext-model")
    if name.endswith(".config[DEBUG]") and value.constant is True:
        found.append("code.debug")
    if name.endswith((".secret_key", ".config[SECRET_KEY]")) and isinstance(value.constant, str):
        found.append("code.fixed-secret")
    return found


def is_credential(name: str) -> bool:
    """Tell whether a variable's name says that it holds a credential."""
    return re.search(knowledge().credential_names, name) is not None
