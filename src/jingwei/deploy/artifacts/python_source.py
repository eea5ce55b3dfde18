"""Python that comes with a model: what it does when it is imported, and what its hooks do when a loader calls them.

Read as a syntax tree, never imported. What counts is where a call stands: starting a process while the module is being
imported is an attack whatever else the file does; fetching a picture inside a method is everyday work.
"""

import ast
import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts.python_calls import calls, one_of
from jingwei.deploy.artifacts.python_names import Names
from jingwei.deploy.artifacts.python_senders import looks_up, senders, sends_secret
from jingwei.deploy.artifacts.python_walk import Place, When, places

LONGEST = 2 * 1024 * 1024
_DUMPING = frozenset({"dict", "json.dumps", "str", "repr", "list", "os.environ"})
_NEAR = 12
"""Lines between reading a secret and sending something, for the two to belong together."""
_ENVIRONMENT = frozenset({"os.environ", "os.environb"})
_FOREIGN = re.compile(
    r"^ctypes\..*\.(system|popen|exec[lv]\w*|WinExec|ShellExecute\w*|CreateProcess\w*|posix_spawn\w*)$"
)
"""Processes started through a library of the system."""
_SECRET = re.compile(r"token|key|secret|passw|cred|auth|session|cookie|dsn|conn", re.IGNORECASE)


class Act(NamedTuple):
    """Something that the code does."""

    rule: str
    severity: Severity
    line: int
    name: str


class _Reach(NamedTuple):
    line: int
    name: str
    when: When


def parsed(text: str) -> ast.Module | None:
    """Read source as a tree; none where it is no Python 3."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def acts(tree: ast.Module, *, script: bool = False, entry: bool = False) -> Iterator[Act]:
    """Say what a module does that loading a model has no need of.

    Args:
        tree: the module.
        script: whether it is meant to be run as a program, such as `setup.py`; then reaching out is less odd.
        entry: whether any function may be called by a loader, as in `hubconf.py`.
    """
    reader = _Reader()
    try:
        found = list(places(tree, reader.learn, entry=entry))
    except RecursionError:
        return
    for place in found:
        yield from reader.judge(place, script=script)
    yield from reader.together()
    for line, name in senders(tree, reader.names):
        yield Act("python.sends", Severity.HIGH, line, name)


class _Reader:
    """What is learnt of one module while its calls are judged."""

    def __init__(self) -> None:
        self.names = Names()
        self.read: list[_Reach] = []
        self.sent: list[_Reach] = []
        self.secret: list[_Reach] = []

    def learn(self, node: ast.AST) -> None:
        """Take down what a statement says of names."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            self.names.imported(node)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.names.assigned(target.id, node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name) and node.value:
            self.names.assigned(node.target.id, node.value)

    def judge(self, place: Place, *, script: bool) -> Iterator[Act]:
        """Judge one node."""
        node, when = place
        if isinstance(node, ast.Call):
            yield from self._call(node, when, script=script)
        elif isinstance(node, ast.Subscript) and self.names.dotted(node.value) in _ENVIRONMENT:
            self._reads(node.lineno, self.names.string(node.slice), when)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 300:
            if "\n" not in node.value and calls().sensitive.search(node.value):
                self.secret.append(_Reach(node.lineno, node.value, when))
        elif isinstance(node, ast.Assign) and when is When.IMPORTED:
            yield from self._rebinds(node)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from self._decorated(node, when)

    def _rebinds(self, node: ast.Assign) -> Iterator[Act]:
        for target in node.targets:
            name = self.names.dotted(target) if isinstance(target, ast.Attribute | ast.Subscript) else ""
            base = self.names.dotted(target.value) if isinstance(target, ast.Attribute) else ""
            if base in {"builtins", "__builtins__", "pickle"} or name in {"sys.modules", "sys.excepthook"}:
                yield Act("python.patches", Severity.HIGH, node.lineno, f"{base}.{name}")
            if isinstance(target, ast.Subscript) and self.names.dotted(target.value) == "sys.modules":
                key = self.names.string(target.slice)
                own = isinstance(target.slice, ast.Name) and target.slice.id == "__name__"
                if not own:
                    severity = Severity.HIGH if isinstance(key, str) else Severity.LOW
                    yield Act("python.patches", severity, node.lineno, f"sys.modules[{key!r}]")

    def _decorated(self, node: ast.FunctionDef | ast.ClassDef, when: When) -> Iterator[Act]:
        for decorator in node.decorator_list:
            name = self.names.dotted(decorator)
            if when is When.IMPORTED and (one_of(name, calls().runs) or name in {"eval", "exec"}):
                yield Act("python.runs", Severity.CRITICAL, node.lineno, name)

    def _call(self, node: ast.Call, when: When, *, script: bool) -> Iterator[Act]:
        name, known = self.names.dotted(node.func), calls()
        if not name:
            if when is When.IMPORTED and (hidden := looks_up(node.func, self.names)):
                yield Act("python.hidden", Severity.HIGH, node.lineno, hidden)
            return
        bare = name.removeprefix("builtins.")
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        line = node.lineno
        if bare in {"os.getenv", "os.environ.get"} and node.args:
            self._reads(line, self.names.string(node.args[0]), when)
        elif one_of(bare, known.reads) or any(self.names.dotted(each) in _ENVIRONMENT for each in arguments):
            self.read.append(_Reach(line, bare, when))
        if one_of(bare, known.talks):
            self.sent.append(_Reach(line, bare, when))
        if bare in {
            "map",
            "functools.reduce",
            "functools.partial",
            "threading.Thread",
            "multiprocessing.Process",
            "atexit.register",
            "threading.Timer",
            "filter",
        }:
            yield from self._passed(arguments, when, line)
        yield from self._named(node, bare, when, script=script)

    def _named(self, node: ast.Call, bare: str, when: When, *, script: bool) -> Iterator[Act]:
        """Judge a call by its name."""
        known, line = calls(), node.lineno
        least = Severity.HIGH if when is When.CALLED else Severity.CRITICAL
        if one_of(bare, known.talks) and (variable := sends_secret(node, self.names, _SECRET)):
            yield Act("python.steals", least, line, f"{variable} → {bare}")
        if _FOREIGN.search(bare):
            yield Act("python.runs", least, line, bare)
        elif one_of(bare, known.runs):
            yield Act("python.runs", self._running(node, when, script=script), line, self._shown(bare, node))
        elif bare in known.evaluates:
            yield from self._evaluates(node, bare, when, script=script)
        elif one_of(bare, known.loads):
            yield from self._loads(node, bare, when)
        elif when is When.IMPORTED:
            yield from self._imported(node, bare, script=script)

    def _reads(self, line: int, variable: str | bytes | None, when: When) -> None:
        """Take down that a variable of the environment is read, where it could be a secret."""
        if not isinstance(variable, str) or _SECRET.search(variable):
            self.read.append(_Reach(line, f"os.environ[{variable if isinstance(variable, str) else '…'}]", when))

    def _passed(self, arguments: list[ast.expr], when: When, line: int) -> Iterator[Act]:
        """A dangerous function handed on to be called: `map(os.system, [...])`."""
        for argument in arguments:
            name = self.names.dotted(argument)
            if name and (one_of(name, calls().runs) or name in {"eval", "exec"}):
                yield Act("python.runs", Severity.CRITICAL if when is When.IMPORTED else Severity.HIGH, line, name)

    def _running(self, node: ast.Call, when: When, *, script: bool) -> Severity:
        """Weigh the start of a process."""
        if when is When.IMPORTED:
            return Severity.HIGH if script and not self._telling(node) else Severity.CRITICAL
        if self._telling(node):
            return Severity.CRITICAL if when is When.HOOK else Severity.HIGH
        listed = bool(node.args) and isinstance(node.args[0], ast.List | ast.Tuple)
        if listed and when is When.CALLED:
            return Severity.LOW
        return Severity.MEDIUM if listed or when is When.CALLED else Severity.HIGH

    def _telling(self, node: ast.Call) -> bool:
        """Tell whether what is run is a shell line that fetches, pipes or hides something."""
        for inner in ast.walk(node):
            text = self.names.string(inner) if isinstance(inner, ast.Constant | ast.BinOp | ast.Name) else None
            if isinstance(text, str) and (calls().shells.search(text) or calls().sensitive.search(text)):
                return True
            if isinstance(inner, ast.Call) and one_of(self.names.dotted(inner.func), calls().unveils):
                return True
        return False

    def _evaluates(self, node: ast.Call, name: str, when: When, *, script: bool) -> Iterator[Act]:
        """`eval` and its kin: hidden or fetched text is an attack, a value of the configuration is careless."""
        if not node.args or (name == "compile" and len(node.args) + len(node.keywords) < 2):
            return
        constant = self.names.string(node.args[0])
        hidden = self._unveils(node.args[0])
        if hidden or (isinstance(constant, str | bytes) and self._harmful(constant)):
            yield Act("python.hidden", Severity.CRITICAL, node.lineno, self._shown(name, node))
        elif constant is not None and not isinstance(node.args[0], ast.Constant | ast.Name):
            yield Act("python.hidden", Severity.HIGH, node.lineno, self._shown(name, node))
        elif when is When.IMPORTED and not script and name in {"eval", "exec"} and not isinstance(constant, str):
            yield Act("python.evaluates", Severity.HIGH, node.lineno, self._shown(name, node))
        elif constant is None and name in {"eval", "exec"}:
            yield Act(
                "python.evaluates", Severity.LOW if script else Severity.MEDIUM, node.lineno, self._shown(name, node)
            )

    def _unveils(self, node: ast.expr) -> bool:
        """Tell whether a value is decoded, or fetched, on the spot."""
        known = calls().unveils | calls().talks
        return any(
            isinstance(each, ast.Call) and one_of(self.names.dotted(each.func), known) for each in ast.walk(node)
        )

    @staticmethod
    def _harmful(constant: str | bytes) -> bool:
        text = constant if isinstance(constant, str) else constant.decode("utf-8", "replace")
        tree = parsed(text) if len(text) < 65536 else None
        if tree is None:
            return not text.isprintable() and not text.isascii()
        return any(act.severity.rank >= Severity.MEDIUM.rank for act in acts(tree))

    def _loads(self, node: ast.Call, name: str, when: When) -> Iterator[Act]:
        """Unpickling bytes that the code itself carries is running them."""
        first = node.args[0] if node.args else None
        text = None if first is None else self.names.string(first)
        carried = (text is not None and name.endswith(("loads", "decode"))) or (
            first is not None and self._unveils(first)
        )
        if carried or (name.startswith("marshal.") and when is not When.CALLED):
            yield Act("python.hidden", Severity.CRITICAL, node.lineno, self._shown(name, node))
        elif when is When.IMPORTED and name not in {"numpy.load", "yaml.load", "yaml.full_load", "jsonpickle.decode"}:
            yield Act("python.loads", Severity.MEDIUM, node.lineno, self._shown(name, node))

    def _imported(self, node: ast.Call, name: str, *, script: bool) -> Iterator[Act]:
        """What a module has no need to do while it is being imported."""
        known, shown = calls(), self._shown(name, node)
        if one_of(name, known.talks) and not name.endswith(
            ("Session", "HTTPAdapter", "Retry", "create_default_context", "disable_warnings")
        ):
            yield Act("python.talks", Severity.MEDIUM if script else Severity.HIGH, node.lineno, shown)
        elif one_of(name, known.natives):
            yield Act("python.natives", Severity.MEDIUM, node.lineno, shown)
        elif name in known.patches:
            yield Act(
                "python.patches", Severity.LOW if name == "atexit.register" else Severity.MEDIUM, node.lineno, shown
            )
        elif one_of(name, known.writes) and not script:
            yield Act("python.writes", Severity.MEDIUM, node.lineno, shown)
        elif name in {"open", "io.open", "codecs.open"} and self._opened(node):
            yield Act("python.writes", self._opened(node) or Severity.LOW, node.lineno, shown)

    def _opened(self, node: ast.Call) -> Severity | None:
        path = self.names.string(node.args[0]) if node.args else None
        mode = next((self.names.string(k.value) for k in node.keywords if k.arg == "mode"), None)
        mode = mode if mode is not None else self.names.string(node.args[1]) if len(node.args) > 1 else "r"
        if isinstance(path, str) and calls().sensitive.search(path):
            return Severity.HIGH
        return Severity.MEDIUM if isinstance(mode, str) and set(mode) & set("wax+") else None

    def together(self) -> Iterator[Act]:
        """What is read of the user and sent away, seen together."""
        if self.sent and self.secret:
            yield Act(
                "python.steals", Severity.CRITICAL, self.secret[0].line, f"{self.secret[0].name} → {self.sent[0].name}"
            )
            return
        if self.secret:
            yield Act("python.sensitive-file", Severity.MEDIUM, self.secret[0].line, self.secret[0].name)
        pairs = [(read, sent) for read in self.read for sent in self.sent]
        for read, sent in pairs[:1000]:
            if max(read.when, sent.when) >= When.HOOK and abs(read.line - sent.line) <= _NEAR:
                whole = (
                    Severity.HIGH if read.name in _DUMPING or read.name.startswith("os.environ.") else Severity.MEDIUM
                )
                severity = Severity.CRITICAL if When.IMPORTED in (read.when, sent.when) else whole
                yield Act("python.steals", severity, read.line, f"{read.name} → {sent.name}")
                return

    def _shown(self, name: str, node: ast.Call) -> str:
        texts = [self.names.string(argument) for argument in node.args[:2]]
        told = ", ".join(repr(text)[:60] for text in texts if text is not None)
        return f"{name}({told or '…'})"
