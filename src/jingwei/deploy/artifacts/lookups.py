"""What the functions do that hand calls on, look things up, bind them or load what lies inside a pickle."""

from itertools import islice

from jingwei.deploy.artifacts.calls import Call, Made, attribute, call, special
from jingwei.deploy.artifacts.costs import consumed, endless, too_large
from jingwei.deploy.artifacts.globals import Use as How
from jingwei.deploy.artifacts.graph_code import traced
from jingwei.deploy.artifacts.machine import Inner, Machine
from jingwei.deploy.artifacts.memo import BLOB, DATA, ENCODED, STRING, TUPLE

_LONGEST = 4096
_LONGEST_CODE = 2 * 1024 * 1024
_MOST_STEPS = 64
_PICKLED = frozenset(bytes([code]) for code in b"\x80\xc2(c]})NIKMJ")
_BYTE_ENCODINGS = frozenset({"latin1", "latin-1", "iso-8859-1", "utf-8", "utf8", "ascii"})


@special("builtins", "getattr")
def get_attribute(machine: Machine, made: Call) -> Made:
    """Follow to the attribute; bound methods and members of enumerations are pickled like this."""
    if len(made.given) < 2:
        return Made()
    return Made(attribute(machine, made.given[0], machine.string(made.given[1]), via=made.words), harmless=True)


@special("builtins", "type", "iter", "super", "property", least=0)
def of_one(_: Machine, made: Call) -> Made:
    """`type(None)` and `iter([…])` are data; with more arguments they make a class, or call."""
    return Made(harmless=len(made.given) <= 1)


@special("dill._dill", "_load_type")
def named_type(machine: Machine, made: Call) -> Made:
    """A type by its name, as dill writes it."""
    name = machine.string(made.given[0]) or ""
    module = "types" if name.endswith("Type") else "builtins"
    return Made(machine.name(module, name, via=made.words) if name else None, harmless=bool(name))


@special("dill._dill", "_create_array")
def array_made(machine: Machine, made: Call) -> Made:
    """Call the first argument with the second, as dill writes an array."""
    given = machine.store.given(made.given[1]) if len(made.given) > 1 else ()
    call(machine, made.given[0], given, How.CALLED, via=made.words, depth=made.depth)
    return Made(harmless=True)


@special("copyreg", "_reconstructor", "__newobj__", "__newobj_ex__")
def built(machine: Machine, made: Call) -> Made:
    """Build the first argument without its constructor."""
    return Made(call(machine, made.given[0], made.given[1:], How.BUILT, depth=made.depth))


@special("torch.fx.graph_module", "reduce_graph_module", least=2)
def graph_made(machine: Machine, made: Call) -> Made:
    """Compile the code in the first argument's `_code`; every text that may be it must be a traced graph."""
    codes, imports = machine.codes or [DATA], machine.string(made.given[1], longest=_LONGEST_CODE)
    texts = [machine.string(code, longest=_LONGEST_CODE) for code in codes]
    plain = machine.store.thing_of(made.given[0]) is None and imports is not None
    if not plain or not all(text is not None and traced(f"{imports}\n{text}") for text in texts):
        return Made()
    machine.odd("pickle.graph-code", "torch.fx.graph_module.reduce_graph_module")
    return Made(harmless=True)


@special("torch._tensor", "_rebuild_from_type", "_rebuild_from_type_v2")
def rebuilt(machine: Machine, made: Call) -> Made:
    """Call the first argument with the third."""
    given = machine.store.given(made.given[2]) if len(made.given) > 2 else ()
    return Made(call(machine, made.given[0], given, How.CALLED, via=made.words, depth=made.depth))


@special("numpy", "dtype")
def data_type(machine: Machine, made: Call) -> Made:
    """Keep a dtype's letters: they size the arrays that follow."""
    return Made(machine.store.thing("dtype", "numpy", machine.string(made.given[0]) or ""))


@special("operator", "add", "concat", "iadd", "iconcat")
@special("_operator", "add", "concat", "iadd", "iconcat")
def joined(machine: Machine, made: Call) -> Made:
    """Join two strings, so that a name put together at load time is still read."""
    parts = [machine.string(value) for value in made.given]
    whole = "".join(part for part in parts if part is not None)
    return Made(machine.store.thing("text", "", whole[:_LONGEST]) if None not in parts else None)


@special("functools", "partial")
@special("_functools", "partial")
def partly(machine: Machine, made: Call) -> Made:
    """Bind; nothing is called yet."""
    return Made(machine.store.thing("partial", "functools", "partial", made.given))


@special("operator", "methodcaller", "attrgetter")
@special("_operator", "methodcaller", "attrgetter")
def later(machine: Machine, made: Call) -> Made:
    """Bind a name; reaching for the interpreter's insides is told at once."""
    kind = "caller" if ".methodcaller(" in made.words else "getter"
    names = made.given[:1] if kind == "caller" else made.given
    parts = [part for value in names for part in (machine.string(value) or "__?__").split(".")]
    for name in parts:
        if name.startswith("__"):
            machine.odd("pickle.reaches-inside", name, made.words)
    return Made(machine.store.thing(kind, "operator", kind, made.given), harmless=True)


@special("operator", "call")
@special("_operator", "call")
def handed_on(machine: Machine, made: Call) -> Made:
    """Call the first argument with the others."""
    return Made(call(machine, made.given[0], made.given[1:], How.CALLED, via=made.words, depth=made.depth))


@special("builtins", "map", "filter")
@special("itertools", "starmap", "accumulate", "filterfalse", "takewhile", "dropwhile")
def over_each(machine: Machine, made: Call) -> Made:
    """Call the first argument with each item of the second; of accumulate it is the other way round."""
    callee, items = made.given[0], made.given[1] if len(made.given) > 1 else DATA
    if "accumulate(" in made.words:
        callee, items = items, callee
    for item in islice(machine.store.tuple_of(items) or (DATA,), _MOST_STEPS):
        given = machine.store.tuple_of(item) if "starmap(" in made.words else (item,)
        call(machine, callee, given, How.CALLED, via=made.words, depth=made.depth)
    return Made()


@special("functools", "reduce")
@special("_functools", "reduce")
def folded(machine: Machine, made: Call) -> Made:
    """Call the first argument with what came out so far and each item."""
    items = machine.store.tuple_of(made.given[1]) if len(made.given) > 1 else ()
    so_far, rest = (made.given[2], items) if len(made.given) > 2 else ((items or (DATA,))[0], items[1:])
    for item in rest[:_MOST_STEPS]:
        so_far = call(machine, made.given[0], (so_far, item), How.CALLED, via=made.words, depth=made.depth)
    return Made(so_far)


@special("importlib", "import_module", "__import__")
@special("importlib._bootstrap", "_gcd_import", "_find_and_load")
@special("builtins", "__import__")
@special("cloudpickle.cloudpickle", "subimport")
@special("dill._dill", "_import_module")
@special("sys", "modules.get", "modules.__getitem__")
@special("pydoc", "locate")
@special("pkgutil", "resolve_name")
@special("numpy.testing._private.utils", "import_nose")
def imported(machine: Machine, made: Call) -> Made:
    """Return the module, or what lies in it, that a string names."""
    path = machine.string(made.given[0]) or ""
    module, _, inside = path.partition(":")
    if not inside and made.words.startswith(("pydoc.", "pkgutil.")):
        module, _, inside = path.rpartition(".")
    if not path:
        return Made()
    value = machine.name(module, inside, via=made.words) if inside else machine.store.thing("module", path, "")
    return Made(value)


@special("operator", "getitem")
@special("_operator", "getitem")
def item_of(machine: Machine, made: Call) -> Made:
    """Of `sys.modules` an item is a module; of a module's or class's dictionary it is what lies there."""
    name = machine.string(made.given[1]) if len(made.given) > 1 else None
    thing = machine.store.thing_of(made.given[0])
    if thing is not None and thing.module == "typing":
        return Made(harmless=True)
    if thing is None or name is None or thing.kind not in {"global", "computed"}:
        return Made()
    if (thing.module, thing.name) == ("sys", "modules"):
        return Made(machine.store.thing("module", name, ""))
    inside = thing.name.removesuffix("__dict__").rstrip(".")
    return Made(machine.name(thing.module, f"{inside}.{name}".strip("."), via=made.words))


@special("_codecs", "encode")
@special("codecs", "encode")
@special("builtins", "bytes", "bytearray")
@special("io", "BytesIO")
@special("_io", "BytesIO")
def as_bytes(machine: Machine, made: Call) -> Made:
    """Keep track of bytes that are written as text, as protocols before 3 do, and of those put into a buffer."""
    first = made.given[0]
    if endless(machine, first):
        consumed(machine, made)
    too_large(machine, made, made.given[:1])
    encoding = machine.string(made.given[1]) if len(made.given) > 1 else "latin1"
    if first & 7 == STRING and encoding in _BYTE_ENCODINGS:
        return Made(first >> 3 << 3 | ENCODED)
    return Made(first if first & 7 in {BLOB, ENCODED} else None)


@special("spacy.vocab", "unpickle_vocab")
@special("spacy.tokens.doc", "unpickle_doc")
@special("srsly.cloudpickle.cloudpickle", "loads")
def parts_loaded(machine: Machine, made: Call) -> Made:
    """Have every argument examined that the function would unpickle; the others hold its own format."""
    for each in made.given:
        start, length = machine.extent(each)
        ends = machine.fixed(start, 1) + machine.fixed(start + length - 1, 1) if length else b""
        if ends[:1] in _PICKLED and ends[1:] == b".":
            _loaded(machine, each)
    return Made(harmless=not any(each & 7 == STRING for each in made.given))


@special("torch.storage", "_load_from_bytes")
def tensor_bytes(machine: Machine, made: Call) -> Made:
    """Have the bytes examined as the torch file that they are."""
    return Made(harmless=_loaded(machine, made.given[0]))


@special("pickle", "loads", "load", "_loads", "_load", "Unpickler")
@special("_pickle", "loads", "load", "Unpickler")
@special("cPickle", "loads", "load")
@special("dill", "loads", "load")
@special("dill._dill", "loads", "load")
@special("cloudpickle", "loads", "load")
@special("cloudpickle.cloudpickle", "loads", "load")
@special("srsly", "pickle_loads")
@special("joblib", "load")
@special("joblib.numpy_pickle", "load")
@special("torch", "load")
@special("torch.serialization", "load")
@special("numpy", "load")
@special("pandas", "read_pickle")
@special("pandas.io.pickle", "read_pickle")
@special("gzip", "decompress")
@special("zlib", "decompress")
def loaded(machine: Machine, made: Call) -> Made:
    """Have what would be loaded examined as well."""
    _loaded(machine, made.given[0])
    return Made()


def _loaded(machine: Machine, value: int) -> bool:
    """Note bytes inside the pickle that it has loaded; tell whether they are there to be examined."""
    if value & 7 == BLOB:
        start, length = machine.extent(value)
        machine.trace.inner.append(Inner(start, length, loaded=True))
        return True
    if value & 7 == ENCODED:
        machine.trace.inner.append(Inner(value >> 3, 0, loaded=True))
        return True
    held = machine.store.tuple_of(value) if value & 7 == TUPLE else ()
    found = [_loaded(machine, each) for each in held if each & 7 in {BLOB, ENCODED}]
    return bool(found)
