"""Every way a pickle can get something called, written by hand and never loaded; and its honest look-alikes."""

import pickle
import struct

import pytest

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts import scan_file
from jingwei.deploy.scanned import ScanVerdict


def text(value: str) -> bytes:
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def blob(raw: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(raw)) + raw


def named(path: str) -> bytes:
    module, _, name = path.partition(":")
    return text(module) + text(name) + b"\x93"


def call(function: str | bytes, *arguments: bytes) -> bytes:
    callee = named(function) if isinstance(function, str) else function
    return callee + b"(" + b"".join(arguments) + b"tR"


def listed(*items: bytes) -> bytes:
    return b"](" + b"".join(items) + b"e"


def stream(body: bytes) -> bytes:
    return b"\x80\x04" + body + b"."


ID = text("id")
SYSTEM = stream(call("os:system", ID))
MODULE = call("importlib:import_module", text("os"))

DANGEROUS: dict[str, bytes] = {
    "getattr on a module": call(call("builtins:getattr", MODULE, text("system")), ID),
    "getattr on a class": call(call("builtins:getattr", named("subprocess:Popen"), text("communicate")), ID),
    "getattr into the insides": call("builtins:getattr", call("collections:OrderedDict"), text("__class__")),
    "getattr of a computed name": call("builtins:getattr", MODULE, call("collections:OrderedDict")),
    "reduce over getattr": call(call("functools:reduce", named("builtins:getattr"), listed(text("path"), text("os"), text("system")), MODULE), ID),
    "map": call("builtins:list", call("builtins:map", named("os:system"), listed(ID))),
    "filter": call("builtins:list", call("builtins:filter", named("builtins:eval"), listed(ID))),
    "starmap": call("builtins:list", call("itertools:starmap", named("os:system"), listed(ID + b"\x85"))),
    "accumulate": call("builtins:list", call("itertools:accumulate", listed(ID, ID), named("os:execl"))),
    "partial": call(call("functools:partial", named("os:system"), ID)),
    "partial bound by its state": call("functools:partial", named("builtins:print")) + b"(" + named("os:system") + ID + b"\x85}Ntb)R",
    "partial that is only held": call("functools:partial", named("os:system"), ID),
    "operator.call": call("operator:call", named("os:system"), ID),
    "method caller": call(call("operator:methodcaller", text("system"), ID), MODULE),
    "attribute getter": call(call("operator:attrgetter", text("path.os.system")), MODULE),
    "attribute getter into the insides": call("operator:attrgetter", text("__globals__")),
    "item of sys.modules": call(call("builtins:getattr", call("operator:getitem", named("sys:modules"), text("os")), text("system")), ID),
    "get of sys.modules": call(call("builtins:getattr", call("sys:modules.get", text("os")), text("system")), ID),
    "sys.modules rewritten": named("sys:modules") + text("json") + MODULE + b"s",
    "resolve_name": call(call("pkgutil:resolve_name", text("os:system")), ID),
    "locate": call(call("pydoc:locate", text("os.system")), ID),
    "import by the bootstrap": call("importlib._bootstrap:_gcd_import", text("os")),
    "alias inside the standard library": call("random:_os.system", ID),
    "alias inside an allowed library": call("sklearn.utils:os.system", ID),
    "globals of a function": named("sklearn.base:clone.__globals__"),
    "builtins through a class": named("collections:OrderedDict.__init__.__globals__"),
    "eval of a joined name": text("builtins") + call("operator:concat", text("ev"), text("al")) + b"\x93" + ID + b"\x85R",
    "name out of a format": text("os") + call(call("builtins:getattr", text("{}"), text("format")), text("system")) + b"\x93" + ID + b"\x85R",
    "name out of bytes": call("builtins:str", blob(b"os"), text("ascii")) + text("system") + b"\x93" + ID + b"\x85R",
    "pickle in a pickle": call("pickle:loads", blob(SYSTEM)),
    "pickle of code given to an unknown class": call("my_package:Net", b"](" + blob(SYSTEM) + b"e"),
    "pickle in a buffer": call("torch:load", call("io:BytesIO", blob(SYSTEM))),
    "pickle in torch's bytes": call("torch.storage:_load_from_bytes", blob(SYSTEM)),
    "pickle in torch's bytes, as text": call("torch.storage:_load_from_bytes", call("_codecs:encode", text(SYSTEM.decode("latin-1")), text("latin1"))),
    "pickle in spaCy's bytes": call("spacy.vocab:unpickle_vocab", blob(SYSTEM)),
    "marshal": call("marshal:loads", blob(b"\xe3\0\0")),
    "code object": call("types:CodeType", b"K\0"),
    "function out of code": call("types:FunctionType", call("types:CodeType", b"K\0"), b"}"),
    "class made while loading": call("builtins:type", text("X"), b")", b"}" + text("__del__") + named("os:abort") + b"s"),
    "class made by types": call("types:new_class", text("X")),
    "thread": call("threading:Thread", b"N", named("os:system")),
    "at exit": call("atexit:register", named("os:system"), ID),
    "finalizer": call("weakref:finalize", call("collections:OrderedDict"), named("os:system"), ID),
    "signal": call("signal:signal", b"K\x0e", named("os:abort")),
    "copyreg's table": named("copyreg:dispatch_table") + named("collections:OrderedDict") + named("os:system") + b"s",
    "extension registry": call("copyreg:add_extension", text("os"), text("system"), b"K\1"),
    "extension code, 2 bytes": b"\x83\x01\x02)R",
    "extension code, 4 bytes": b"\x84\x01\x02\0\0)R",
    "attribute of a class changed": named("collections:OrderedDict") + b"}" + text("__reduce__") + named("os:system") + b"sb",
    "iter with a sentinel": call("builtins:iter", named("os:getcwd"), b"N"),
    "compiled library": call("ctypes:CDLL", text("libc.so.6")),
    "raw file": call("_io:FileIO", text("x"), text("w")),
    "path written": call("pathlib:Path.write_text", call("pathlib:PosixPath", text("x")), text("y")),
    "codecs opens": call("codecs:open", text("x"), text("w")),
    "linecache": call("linecache:getlines", text("/etc/passwd")),
    "name lookup": call("socket:gethostbyname", text("x.invalid")),
    "timeit": call("timeit:timeit", text("1")),
    "pdb": call("pdb:run", text("1")),
    "cProfile": call("cProfile:runctx", text("1"), b"}", b"}"),
    "trace": call("trace:Trace.runctx", text("1")),
    "doctest": call("doctest:debug_script", text("1")),
    "bdb": call("bdb:Bdb.run", call("bdb:Bdb"), text("1")),
    "code": call("code:InteractiveInterpreter.runcode", text("1")),
    "idle": call("idlelib.run:Executive.runcode", text("1")),
    "lib2to3": call("lib2to3.pgen2.grammar:Grammar.loads", blob(b".")),
    "pip": call("pip:main", listed(ID)),
    "ensurepip": call("ensurepip:_run_pip", listed(ID)),
    "asyncio's subprocess": call("asyncio.unix_events:_UnixSubprocessTransport._start", ID),
    "uuid's command": call("uuid:_get_command_stdout", ID),
    "shell through a pager": call("pydoc:pipepager", ID, ID),
    "profile through torch": call("torch.utils.bottleneck.__main__:run_cprofile", ID),
    "config through torch": call("torch.utils._config_module:load_config", blob(b".")),
    "datapipe of torch": call("torch.utils.data.datapipes.utils.decoder:basichandlers", text("pkl"), blob(b".")),
    "cpp of torch": call("torch.utils.cpp_extension:load_inline", ID),
    "inductor of torch": call("torch._inductor.codecache:compile_file", ID),
    "graph module of torch": call("torch.fx.graph_module:reduce_graph_module", b"}", ID),
    "hub of torch": call("torch.hub:load", ID),
    "runstring of numpy": call("numpy.testing._private.utils:runstring", ID, b"}"),
    "f2py of numpy": call("numpy.f2py.crackfortran:getlincoef", ID, b"}"),
    "loader of numpy": call("numpy:load", ID),
    "read_pickle of pandas": call("pandas:read_pickle", ID),
    "query of pandas": call(call("builtins:getattr", call("pandas.core.frame:DataFrame"), text("query")), ID),
    "eval of pandas": call("pandas:eval", ID),
    "run_command of spaCy": call("spacy.util:run_command", ID),
    "unpickle of gensim": call("gensim.utils:unpickle", ID),
    "data of nltk": call("nltk.data:load", ID),
    "function made by dill": call("dill._dill:_create_function", call("dill._dill:_create_code", b"K\0"), b"}"),
    "type made by dill": call("dill._dill:_create_type", call("dill._dill:_load_type", text("TypeType")), text("X")),
    "code type by dill's name": call(call("dill._dill:_load_type", text("CodeType")), b"K\0"),
    "module by dill": call("dill._dill:_import_module", text("os.system")),
    "function made by cloudpickle": call("cloudpickle.cloudpickle:_make_function", b"N"),
    "module by cloudpickle": call("cloudpickle.cloudpickle:subimport", text("os")),
    "file of joblib": call("joblib:load", ID),
    "array in a file elsewhere": named("joblib.numpy_pickle:NDArrayWrapper") + b")\x81}(" + text("filename") + text("../../x.npy") + text("subclass") + named("numpy:ndarray") + b"ub",
    "function of nobody": call("some_package.module:run", ID),
    "function of a known package": call("requests:get", text("http://x.invalid")),
    "in a transformer": named("sklearn.preprocessing._function_transformer:FunctionTransformer") + b")\x81}" + text("func") + named("subprocess:getoutput") + b"sb",
    "leading zeros in a memo place": b"Vos\np" + b"0" * 30 + b"7\n0Vx\np0\n0g" + b"0" * 30 + b"7\nVsystem\n\x93)R",
    "a call of a call": call(call("collections:OrderedDict"), ID),
}  # fmt: skip


def tensor(raw: bytes) -> bytes:
    return call("torch.storage:_load_from_bytes", blob(raw))


HARMLESS: dict[str, bytes] = {
    "array in a file beside": named("joblib.numpy_pickle:NDArrayWrapper") + b")\x81}(" + text("filename") + text("m.pkl_01.npy") + text("subclass") + named("numpy:ndarray") + b"ub",
    "member of an enumeration": call("my_package:Color", text("red")),
    "bound method": call("builtins:getattr", call("my_package:Net"), text("forward")),
    "bound method of text": call("builtins:getattr", text("x"), text("join")),
    "method of a plain type": named("builtins:str.upper"),
    "None's type": call("builtins:type", b"N"),
    "iterator": call("builtins:iter", listed(ID)),
    "partial of a plain function": call("functools:partial", named("builtins:int")),
    "item getter": call("operator:itemgetter", b"K\1"),
    "attribute getter": call("operator:attrgetter", text("name.first")),
    "operator held": b"](" + named("operator:add") + named("builtins:len") + named("functools:reduce") + b"e",
    "own class": named("my_package.models:Net") + b")\x81}" + text("w") + b"K\1sb",
    "own function held": named("__main__:clean"),
    "Cython's own": call("my_package._fast:__pyx_unpickle_Tree", named("my_package._fast:Tree"), b"K\1", b"N"),
    "optional type": call("_operator:getitem", named("typing:Union"), named("builtins:int") + call("builtins:type", b"N") + b"\x86"),
    "tensor as bytes": tensor(b"\x80\x02\x8a\x0a" + 0x1950A86A20F9469CFC6C.to_bytes(10, "little") + b".\x80\x02M\xe9\x03.\x80\x02}.\x80\x02N.\x80\x02]."),
    "bytes of protocol 2": call("_codecs:encode", text("abc"), text("latin1")),
    "pickle of data in a pickle": blob(pickle.dumps({"a": [1, 2, 3]})),
    "status": call("http:HTTPStatus", b"K\xc8"),
    "class kept in torch's older format": b"(" + text("module") + named("torch.nn.modules.linear:Linear") + text("f.py") + text("class Linear: ...") + b"tQ)\x81",
    "dill's plain type": call("dill._dill:_load_type", text("int")),
}  # fmt: skip


@pytest.fixture
def scan(tmp_path):
    def written(body: bytes):
        path = tmp_path / "m.pkl"
        path.write_bytes(stream(body))
        return scan_file(path)

    return written


@pytest.mark.parametrize("sample", DANGEROUS)
def test_what_would_run_is_malicious_however_it_is_reached(sample, scan):
    assert scan(DANGEROUS[sample]).verdict is ScanVerdict.MALICIOUS, sample


@pytest.mark.parametrize("sample", HARMLESS)
def test_what_runs_nothing_is_no_alarm(sample, scan):
    scanned = scan(HARMLESS[sample])

    assert scanned.verdict is ScanVerdict.CLEAN
    assert all(seen.severity.rank <= Severity.LOW.rank for seen in scanned.findings)


def test_a_detour_is_told_with_its_way_and_its_end(scan):
    found = scan(DANGEROUS["reduce over getattr"]).findings

    told = [seen for seen in found if seen.rule_id == "pickle.reached"]
    assert told[-1].evidence == "os.path.os.system('id')"
    assert "builtins.getattr(os.path.os, 'system')" in told[-1].detail.en


def test_a_call_is_told_with_its_arguments(scan):
    scanned = scan(call("subprocess:Popen", listed(text("sh"), text("-c"), ID)))

    assert scanned.findings[0].evidence == "subprocess.Popen(('sh', '-c', 'id'))"
    assert scanned.facts["calls"] == "subprocess.Popen(('sh', '-c', 'id'))"


def test_what_lies_inside_is_told_where_it_lies(scan):
    found = scan(call("torch.storage:_load_from_bytes", blob(SYSTEM))).findings

    assert any(seen.location.path.startswith("m.pkl!") and "os.system" in seen.evidence for seen in found)


def test_an_unknown_class_is_told_even_where_it_is_no_alarm(scan):
    assert [seen.rule_id for seen in scan(HARMLESS["own class"]).findings] == ["pickle.unknown-class"]
