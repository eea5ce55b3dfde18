"""How a program is offered to others: without a login, without limits, without asking before it destroys."""

import ast
import re
from collections.abc import Iterator

from jingwei.deploy.code.python.place import Place, Report
from jingwei.deploy.code.python.program import Function, Module, Program
from jingwei.deploy.code.python.value import Origin, Taint

_LOGIN = re.compile(
    r"(?i)login_required|authori[sz]|authenti|api_?key_?header|HTTPBearer|HTTPBasic|OAuth2|verify_(token|key|user)"
    r"|compare_digest|current_user|require_(auth|login|user|key|token)|permission|x-api-key|auth=|session\["
)
_SENT = re.compile(r"""(?i)["']authorization["']\s*:|api_?key\s*=""")
"""What a program says of itself to others, not what it asks of those who call it."""
_SERVED_HERE = re.compile(
    r"(.*\.)?(app|application|demo|server|web|uvicorn|hypercorn|waitress|iface)\w*\.(run|launch|serve|run_app|start)|\w*serve"
)
"""The program itself says where it listens, and does so on this machine only where nothing else was found."""
_WEB = ("fastapi.", "flask.", "starlette.", "quart.", "sanic.", "litestar.", "bottle.", "aiohttp.")
_EVERYWHERE = frozenset({"0.0.0.0", "::", "[::]"})  # noqa: S104 - looked for, not bound
_SERVE = frozenset({"run", "launch", "serve", "run_app", "queue", "run_simple", "start"})
_DESTROYS = frozenset({"shutil.rmtree", "os.remove", "os.unlink", "os.rmdir", "os.removedirs", "send2trash.send2trash"})
_ASKS = re.compile(r"(?i)confirm|approv|human|consent|review|allow|permit|dry_run|interrupt|ask_user|elicit")
_RISKY = frozenset({"code.eval", "code.command", "code.sql", "code.interpreter", "code.program", "code.dispatch"})
_REQUESTS = frozenset({"get", "post", "put", "delete", "head", "patch", "request"})
_RANDOM = frozenset({"choice", "choices", "randint", "random", "randrange", "getrandbits", "sample", "randbytes"})
_SECRET_NAME = re.compile(r"(?i)token|secret|password|passwd|api_?key|otp|session_?id|csrf|nonce|salt|reset_?code")
_IMPORT_EFFECTS = re.compile(
    r"(os\.(system|popen|exec\w*|spawn\w*)|subprocess\.\w+|eval|exec|__import__|urllib\.request\.urlopen|urlopen"
    r"|requests\.\w+|socket\.\w+|ctypes\.\w+|pickle\.loads?|marshal\.loads?|shutil\.rmtree)$"
)
_ASKS_MODEL = re.compile(
    r"(completions|messages|responses)\.create|ollama|litellm|from_pretrained|pipeline\(|ChatOpenAI|generate_content"
    r"|dashscope|zhipuai|qianfan|llama_cpp|vllm"
)
_HUB_FILES = re.compile(
    r"(^|/)(hubconf|modeling_\w+|configuration_\w+|tokenization_\w+|processing_\w+|handler|custom_\w+)\.py$"
)


def judge(program: Program, texts: dict[str, str]) -> Iterator[Report]:
    """Give what is wrong with how a program serves.

    Args:
        program: the modules, read.
        texts: their source by path.
    """
    for module in program.modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Assign | ast.AnnAssign):
                yield from _random(module, node)
            elif isinstance(node, ast.While):
                yield from _endless(module, node)
        if _HUB_FILES.search(module.path):
            yield from _on_import(module)
    told = {(each.rule, each.place) for each in program.reports}
    for function in program.functions.values():
        if function.origin in {Origin.USER, Origin.TOOL}:
            yield from (each for each in _served(function) if (each.rule, each.place) not in told)
    yield from _open(program, texts)


def _at(module: Module, node: ast.stmt | ast.expr) -> Place:
    return Place(module.path, node.lineno, node.col_offset)


def _spelled(node: ast.expr) -> str:
    return ast.unparse(node)[:120]


def _random(module: Module, node: ast.Assign | ast.AnnAssign) -> Iterator[Report]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [_spelled(each) for each in targets if isinstance(each, ast.Name | ast.Attribute)]
    if node.value is None or not any(_SECRET_NAME.search(name) for name in names):
        return
    for each in ast.walk(node.value):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in _RANDOM \
                and isinstance(each.func.value, ast.Name) and each.func.value.id == "random":  # fmt: skip
            yield Report("code.weak-random", _at(module, node), _spelled(each.func))
            return


def _endless(module: Module, node: ast.While) -> Iterator[Report]:
    """A loop that ends only when the model says so, and lets the model call tools."""
    if not (isinstance(node.test, ast.Constant) and node.test.value):
        return
    inside = list(ast.walk(ast.Module(node.body, [])))
    called = {_spelled(each.func) for each in inside if isinstance(each, ast.Call)}
    text = " ".join(called)
    asks = re.search(r"(completions|responses|messages)\.create|litellm\.\w*completion|ollama\.chat", text)
    tools = any(
        isinstance(each, ast.Attribute) and each.attr in {"tool_calls", "function_call", "tool_use"} for each in inside
    )
    counted = any(isinstance(each, ast.AugAssign) for each in inside)
    if asks and tools and not counted and not re.search(r"\binput\b|receive|\.get\b.*queue", text):
        yield Report("code.unlimited-loop", _at(module, node), asks.group())


def _on_import(module: Module) -> Iterator[Report]:
    """What the code of a model repository does as soon as it is imported."""
    waiting: list[ast.stmt] = list(module.tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.ClassDef | ast.If | ast.Try | ast.With | ast.For):
            waiting.extend(node.body)
            waiting.extend(getattr(node, "orelse", []))
        if isinstance(node, ast.Expr | ast.Assign | ast.With | ast.If):
            for each in (inner for part in _evaluated(node) for inner in ast.walk(part)):
                if isinstance(each, ast.Call) and _IMPORT_EFFECTS.fullmatch(_spelled(each.func)):
                    yield Report("code.import-runs", _at(module, each), _spelled(each.func))


def _evaluated(node: ast.Expr | ast.Assign | ast.With | ast.If) -> list[ast.expr]:
    if isinstance(node, ast.With):
        return [item.context_expr for item in node.items]
    return [node.test if isinstance(node, ast.If) else node.value]


def _served(function: Function) -> Iterator[Report]:
    source = list(ast.walk(function.node))
    names = {each.arg for each in function.parameters}
    asks = any(isinstance(each, ast.Name | ast.Attribute) and _ASKS.search(_spelled(each)) for each in source)
    for node in source:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        called = _spelled(node.func)
        keywords = {each.arg for each in node.keywords}
        plain = called.partition(".")[0] == "requests" and node.func.attr in _REQUESTS
        if plain and not keywords & {"timeout", None}:
            yield Report("code.no-timeout", _at(function.module, node), called)
        if (
            function.origin is Origin.USER
            and node.func.attr == "read"
            and not node.args
            and _upload(function, node.func.value)
        ):
            yield Report("code.upload-unbounded", _at(function.module, node), called)
        if function.origin is Origin.TOOL and called in _DESTROYS and not asks:
            used = {each.id for arg in node.args for each in ast.walk(arg) if isinstance(each, ast.Name)}
            if used & names:
                yield Report("code.destructive-tool", _at(function.module, node), called,
                             Taint(Origin.TOOL, ", ".join(sorted(used & names)), node.lineno))  # fmt: skip


def _upload(function: Function, owner: ast.expr) -> bool:
    """Tell whether a parameter is an uploaded file."""
    return isinstance(owner, ast.Name) and any(
        each.arg == owner.id and each.annotation is not None and "UploadFile" in _spelled(each.annotation)
        for each in function.parameters
    )


def _open(program: Program, texts: dict[str, str]) -> Iterator[Report]:
    """A model offered on every address with nothing that looks like a login anywhere in the program."""
    routes = [each for each in program.functions.values() if each.origin is Origin.USER]
    if not routes or any(_LOGIN.search(_SENT.sub("", text)) for text in texts.values()):
        return
    calls = [(module, node) for module in program.modules.values() for node in ast.walk(module.tree)
             if isinstance(node, ast.Call)]  # fmt: skip
    bound = next(((module, node) for module, node in calls if _everywhere(node)), None)
    if bound is not None and any(_ASKS_MODEL.search(text) for text in texts.values()):
        dangerous = any(each.rule in _RISKY and each.taint is not None for each in program.reports)
        yield Report("code.open-service", _at(*bound), _spelled(bound[1].func), note="dangerous" if dangerous else "")
    elif not any(_SERVED_HERE.fullmatch(_spelled(node.func)) for _, node in calls):
        yield from _open_route(routes)


def _open_route(routes: list[Function]) -> Iterator[Report]:
    """A route that hands out a model's words, in a program that something else serves and that asks for no login."""
    for route in routes:
        added = any(each.name.startswith(_WEB) for each in route.decorators)
        if added and route.returns.only(Origin.MODEL) and not _supplied(route):
            yield Report("code.open-route", _at(route.module, route.node), route.node.name)
            return


def _supplied(route: Function) -> bool:
    """Tell whether the framework hands a route something that may be who asks."""
    arguments = route.node.args
    written = [*arguments.defaults, *arguments.kw_defaults, *(each.annotation for each in route.parameters)]
    decorated = [*route.node.decorator_list]
    own = len([each for each in route.decorators if not each.name.startswith(_WEB)])
    return own > 0 or any(each is not None and re.search(r"Depends|Security", ast.unparse(each))
                          for each in (*written, *decorated))  # fmt: skip


def _everywhere(node: ast.Call) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    hosts = [each.value for each in node.keywords if each.arg in {"host", "server_name"}]
    return name in _SERVE and any(isinstance(each, ast.Constant) and each.value in _EVERYWHERE for each in hosts)
