"""What a Python expression is worth without running it: names followed through imports, strings put together.

`getattr(__import__("o" + "s"), "metsys"[::-1])` is `os.system`, whichever way it is written.
"""

import ast
import base64
import binascii
import codecs
import operator
import re
from collections.abc import Callable

from jingwei.deploy.artifacts.python_calls import calls

_CHANGES = {ast.Add: operator.add, ast.Sub: operator.sub, ast.BitXor: operator.xor}
_LONGEST = 100_000
_DEEPEST = 40
_MOST_STEPS = 2000
"""Steps spent on one expression; what is nested to cost more is left unresolved."""
_STRING_METHODS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "swapcase": str.swapcase,
    "casefold": str.casefold,
    "title": str.title,
}
_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64.b64decode": base64.b64decode,
    "base64.urlsafe_b64decode": base64.urlsafe_b64decode,
    "base64.standard_b64decode": base64.b64decode,
    "base64.decodebytes": base64.b64decode,
    "base64.b32decode": base64.b32decode,
    "base64.b16decode": base64.b16decode,
    "base64.b85decode": base64.b85decode,
    "base64.a85decode": base64.a85decode,
    "binascii.unhexlify": binascii.unhexlify,
    "binascii.a2b_base64": binascii.a2b_base64,
    "bytes.fromhex": lambda raw: bytes.fromhex(raw.decode("ascii", "replace")),
    "bytearray.fromhex": lambda raw: bytes.fromhex(raw.decode("ascii", "replace")),
}
_LIBRARIES = frozenset({"ctypes.CDLL", "ctypes.PyDLL", "ctypes.WinDLL", "ctypes.cdll.LoadLibrary", "ctypes.OleDLL"})
_NAMESPACES = frozenset({"globals", "locals", "vars", "builtins.globals", "builtins.vars"})


def _either(node: ast.NamedExpr | ast.IfExp | ast.BoolOp) -> list[ast.expr]:
    """Return what an expression may give."""
    if isinstance(node, ast.BoolOp):
        return node.values
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node.value]


class Names:
    """What the names of one module stand for."""

    def __init__(self) -> None:
        self.aliases: dict[str, str] = {}
        self.strings: dict[str, str | bytes] = {}
        self.locals: set[str] = set()
        """Names that hold what cannot be told, such as an object; they stand for no module of that name."""
        self.starred: list[str] = []
        """Modules all of whose names were imported."""
        self._steps = 0

    def _spent(self, depth: int) -> bool:
        self._steps = 0 if depth == 0 else self._steps + 1
        return depth > _DEEPEST or self._steps > _MOST_STEPS

    def imported(self, node: ast.Import | ast.ImportFrom) -> None:
        """Take an import down."""
        for alias in node.names:
            if alias.name == "*":
                self.starred.append(str(getattr(node, "module", "")))
            elif isinstance(node, ast.Import):
                first = alias.name if alias.asname else alias.name.partition(".")[0]
                self.aliases[alias.asname or first] = first
            elif not node.level:
                self.aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def assigned(self, name: str, value: ast.expr) -> None:
        """Take an assignment down: a name for another name, or for a string."""
        text = self.string(value)
        dotted = self.dotted(value) if text is None else ""
        if text is not None:
            self.strings[name] = text
        elif dotted and dotted != name:
            self.aliases[name] = dotted
        elif name not in self.aliases:
            self.locals.add(name)

    def dotted(self, node: ast.AST, depth: int = 0) -> str:
        """Return the full dotted name that an expression stands for, or nothing."""
        if self._spent(depth):
            return ""
        if isinstance(node, ast.Name):
            return self._rooted(node.id)
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value, depth + 1)
            return self._plain(f"{base}.{node.attr}") if base else ""
        if isinstance(node, ast.Subscript):
            return self._item(node, depth)
        if isinstance(node, ast.NamedExpr | ast.IfExp | ast.BoolOp):
            return next(filter(None, (self.dotted(each, depth + 1) for each in _either(node))), "")
        return self._made(node, depth) if isinstance(node, ast.Call) else ""

    def _rooted(self, name: str) -> str:
        if name in self.aliases:
            return self.aliases[name]
        known = next((f"{module}.{name}" for module in self.starred if f"{module}.{name}" in calls().runs), name)
        return "" if known in self.locals else known

    def _item(self, node: ast.Subscript, depth: int) -> str:
        """`globals()["eval"]`, `vars(os)["system"]`, `sys.modules["os"]`, `os.__dict__["system"]`."""
        key = self.string(node.slice, depth + 1)
        base = self.dotted(node.value, depth + 1)
        if not isinstance(key, str) or not base:
            return ""
        if base == "sys.modules" or base in _NAMESPACES:
            return self.aliases.get(key, key)
        return self._plain(f"{base.removesuffix('.__dict__')}.{key}")

    def _made(self, node: ast.Call, depth: int) -> str:
        """`__import__("os")`, `importlib.import_module("os")`, `getattr(os, "system")`, `vars(os)`."""
        function = self.dotted(node.func, depth + 1).removeprefix("builtins.")
        texts = [self.string(argument, depth + 1) for argument in node.args[:2]]
        first = texts[0] if texts else None
        if function in {"__import__", "importlib.import_module", "importlib.__import__"} and isinstance(first, str):
            return first if function != "__import__" else first.partition(".")[0]
        if function in {"pkgutil.resolve_name", "pydoc.locate"} and isinstance(first, str):
            return first.replace(":", ".")
        if function in _LIBRARIES or (function == "codecs.lookup" and isinstance(first, str)):
            return f"codecs.{str(first).replace('_', '').lower()}" if function == "codecs.lookup" else function
        if function == "getattr" and len(node.args) in {2, 3} and isinstance(texts[1], str):
            base = self.dotted(node.args[0], depth + 1)
            return self._plain(f"{base}.{texts[1]}") if base else ""
        if function in _NAMESPACES:
            return self.dotted(node.args[0], depth + 1) + ".__dict__" if node.args else function
        return ""

    @staticmethod
    def _plain(name: str) -> str:
        for prefix in ("__builtins__.", "builtins.", "six.moves."):
            name = name.removeprefix(prefix)
        return re.sub(r"^(sys|importlib|os)\.modules\.", "", name).replace(".__dict__.", ".")

    def string(self, node: ast.AST, depth: int = 0) -> str | bytes | None:
        """Return the text or bytes that an expression is sure to give, or none."""
        if self._spent(depth) or isinstance(node, ast.Name):
            return self.strings.get(node.id) if isinstance(node, ast.Name) else None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str | bytes) and len(node.value) <= _LONGEST else None
        if isinstance(node, ast.BinOp | ast.JoinedStr):
            return self._joined(node, depth) if isinstance(node, ast.BinOp) else self._filled(node, depth)
        if isinstance(node, ast.Subscript):
            return self._sliced(node, depth)
        return self._called(node, depth) if isinstance(node, ast.Call) else None

    def _joined(self, node: ast.BinOp, depth: int) -> str | bytes | None:
        left, right = self.string(node.left, depth + 1), self.string(node.right, depth + 1)
        if isinstance(node.op, ast.Add):
            if isinstance(left, str) and isinstance(right, str) and len(left) + len(right) <= _LONGEST:
                return left + right
            if isinstance(left, bytes) and isinstance(right, bytes) and len(left) + len(right) <= _LONGEST:
                return left + right
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            return self._formatted(left, node.right, depth)
        return None

    def _filled(self, node: ast.JoinedStr, depth: int) -> str | None:
        parts = [self.string(v.value if isinstance(v, ast.FormattedValue) else v, depth + 1) for v in node.values]
        texts = [part for part in parts if isinstance(part, str)]
        return "".join(texts) if len(texts) == len(parts) else None

    def _formatted(self, pattern: str, values: ast.expr, depth: int) -> str | None:
        parts = [self.string(v, depth + 1) for v in (values.elts if isinstance(values, ast.Tuple) else [values])]
        if not all(isinstance(part, str) for part in parts) or set(re.findall(r"%(.)", pattern)) - {"s"}:
            return None
        return pattern.replace("%s", "{}").format(*parts) if pattern.count("%s") == len(parts) else None

    def _sliced(self, node: ast.Subscript, depth: int) -> str | bytes | None:
        base = self.string(node.value, depth + 1)
        if base is None or not isinstance(node.slice, ast.Slice):
            first = isinstance(node.slice, ast.Constant) and node.slice.value == 0 and isinstance(node.value, ast.Call)
            return base if first and self.dotted(node.value, depth + 1) == "" and self._rotated(node.value) else None
        bounds = []
        for part in (node.slice.lower, node.slice.upper, node.slice.step):
            try:
                number = None if part is None else ast.literal_eval(part)
            except (ValueError, TypeError):
                return None
            if number is not None and not isinstance(number, int):
                return None
            bounds.append(number)
        return None if bounds[2] == 0 else base[slice(*bounds)]

    def _called(self, node: ast.Call, depth: int) -> str | bytes | None:
        function = node.func
        values = [self.string(argument, depth + 1) for argument in node.args[:3]]
        name = self.dotted(function, depth + 1)
        if name in _DECODERS and values and values[0] is not None:
            raw = values[0] if isinstance(values[0], bytes) else values[0].encode("utf-8", "replace")
            try:
                return _DECODERS[name](raw)
            except (ValueError, binascii.Error):
                return None
        if name == "codecs.decode" and len(values) > 1 and str(values[1]).replace("_", "").lower() == "rot13":
            return codecs.encode(str(values[0]), "rot13")
        if name == "codecs.rot13.decode" and values and isinstance(values[0], str):
            return codecs.encode(values[0], "rot13")
        if name in {"chr", "str", "bytes", "bytearray"}:
            return self._character(name, node, values)
        return self._method(function, values, node, depth) if isinstance(function, ast.Attribute) else None

    def _rotated(self, node: ast.expr) -> bool:
        """Tell whether a call gives its text in a pair with a length, as a codec's own `decode` does."""
        return isinstance(node, ast.Call) and self.dotted(node.func).startswith("codecs.rot13.")

    @staticmethod
    def _character(name: str, node: ast.Call, values: list[str | bytes | None]) -> str | bytes | None:
        first = node.args[0] if node.args else None
        if (
            name == "chr"
            and isinstance(first, ast.Constant)
            and type(first.value) is int
            and 0 <= first.value < 0x110000
        ):
            return chr(first.value)
        if name in {"bytes", "bytearray"} and isinstance(first, ast.List | ast.Tuple) and len(first.elts) <= _LONGEST:
            codes = [
                e.value
                for e in first.elts
                if isinstance(e, ast.Constant) and type(e.value) is int and 0 <= e.value < 256
            ]
            return bytes(codes) if len(codes) == len(first.elts) else None
        return values[0] if values and name == "str" else None

    def _method(
        self, function: ast.Attribute, values: list[str | bytes | None], node: ast.Call, depth: int
    ) -> str | bytes | None:
        base, method = self.string(function.value, depth + 1), function.attr
        if isinstance(base, bytes):
            return base.decode("utf-8", "replace") if method == "decode" else None
        if base is None:
            return None
        if method in _STRING_METHODS and not values:
            return _STRING_METHODS[method](base)
        if method == "encode":
            return base.encode("utf-8", "replace")
        if method == "replace" and len(values) >= 2 and isinstance(values[0], str) and isinstance(values[1], str):
            return base.replace(values[0], values[1]) if values[0] else base
        return self._join(base, node, depth) if method == "join" and node.args else None

    def _join(self, base: str, node: ast.Call, depth: int) -> str | None:
        listed = node.args[0]
        if isinstance(listed, ast.Call) and self.dotted(listed.func, depth + 1) == "reversed" and listed.args:
            text = self.string(listed.args[0], depth + 1)
            return base.join(reversed(text)) if isinstance(text, str) else None
        if isinstance(listed, ast.List | ast.Tuple):
            parts = [self.string(each, depth + 1) for each in listed.elts[:1000]]
            texts = [part for part in parts if isinstance(part, str)]
            return base.join(texts) if len(texts) == len(parts) else None
        codes = self._codes(listed, depth)
        if codes is not None:
            return base.join(map(chr, codes))
        text = self.string(listed, depth + 1)
        return base.join(text) if isinstance(text, str) else None

    def _codes(self, node: ast.expr, depth: int) -> list[int] | None:
        """Return the character codes of `map(chr, …)` and `chr(c) for c in …`, shifted by a number or not."""
        if isinstance(node, ast.Call) and self.dotted(node.func, depth + 1) == "map" and len(node.args) == 2:
            mapped = self.dotted(node.args[0], depth + 1) == "chr"
            return self._listed(node.args[1], depth) if mapped else None
        if not isinstance(node, ast.GeneratorExp | ast.ListComp) or len(node.generators) != 1:
            return None
        each, made = node.generators[0], node.elt
        if not (isinstance(made, ast.Call) and self.dotted(made.func, depth + 1) == "chr" and len(made.args) == 1):
            return None
        codes, shift = self._listed(each.iter, depth), made.args[0]
        if codes is None or isinstance(shift, ast.Name):
            return codes
        change = _CHANGES.get(type(shift.op)) if isinstance(shift, ast.BinOp) else None
        by = shift.right.value if isinstance(shift, ast.BinOp) and isinstance(shift.right, ast.Constant) else None
        if change is None or type(by) is not int:
            return None
        changed = [change(code, by) for code in codes]
        return changed if all(0 <= code < 0x110000 for code in changed) else None

    def _listed(self, node: ast.expr, depth: int) -> list[int] | None:
        if isinstance(node, ast.List | ast.Tuple) and len(node.elts) <= _LONGEST:
            codes = [e.value for e in node.elts if isinstance(e, ast.Constant) and type(e.value) is int]
            return codes if len(codes) == len(node.elts) and all(0 <= c < 0x110000 for c in codes) else None
        text = self.string(node, depth + 1)
        return list(text) if isinstance(text, bytes) else None
