"""Functions and classes of the public record that do harm when a pickle calls them: each must be a grave finding."""

import pytest

from jingwei.deploy.artifacts.globals import Use, verdict

CALLED = """
os:system posix:system nt:system os:popen os:execv os:putenv os:environ.get os:remove subprocess:Popen subprocess:getoutput pty:spawn
builtins:exec builtins:eval builtins:compile builtins:open builtins:__import__ builtins:input __builtin__:execfile __builtin__:apply
runpy:run_path runpy:_run_code code:interact codeop:compile_command timeit:main cProfile:run profile:run pdb:run bdb:Bdb.run trace:main
doctest:testmod pydoc:pipepager pydoc:locate unittest.mock:patch test.support:run_with_locale idlelib.pyshell:ModifiedInterpreter.runcommand
lib2to3.pgen2.driver:load_grammar importlib:import_module importlib.machinery:SourceFileLoader imp:load_source pkgutil:resolve_name
zipimport:zipimporter marshal:loads pickle:loads _pickle:load cPickle:loads shelve:open dbm:open types:FunctionType types:CodeType types:MethodType
ctypes:CDLL cffi:FFI socket:create_connection ssl:get_server_certificate urllib.request:urlopen urllib2:urlopen http.client:HTTPConnection
ftplib:FTP smtplib:SMTP telnetlib:Telnet poplib:POP3 imaplib:IMAP4 xmlrpc.client:ServerProxy webbrowser:open asyncio:run
shutil:rmtree tempfile:mkdtemp linecache:getlines fileinput:input glob:glob io:open io:FileIO _io:FileIO codecs:open gzip:open bz2:BZ2File
wave:open sqlite3:connect zipfile:ZipFile tarfile:open mailbox:mbox logging:FileHandler logging.config:fileConfig threading:Thread threading:Timer
multiprocessing:Process concurrent.futures:ThreadPoolExecutor _thread:start_new_thread atexit:register signal:signal gc:get_objects sys:setprofile
copyreg:add_extension site:addsitedir sysconfig:_main distutils.spawn:spawn setuptools:setup pip:main pip._internal:main ensurepip:bootstrap
venv:create py_compile:compile compileall:compile_dir pathlib:Path.write_text pathlib:Path.unlink platform:popen uuid:_get_command_stdout
numpy:load numpy:fromfile numpy:savetxt numpy:memmap numpy.testing._private.utils:runstring numpy.f2py.crackfortran:myeval numpy.distutils.exec_command:exec_command
numpy.lib._npyio_impl:DataSource numpy.ctypeslib:load_library pandas:read_pickle pandas:eval pandas.core.frame:DataFrame.query
pandas.core.generic:NDFrame.to_pickle scipy.io:loadmat joblib:load joblib.memory:Memory sklearn.datasets:fetch_openml sklearn.utils._testing:run
torch:load torch:save torch.jit:load torch.hub:load torch.serialization:_load torch._C:import_ir_module torch.fx.graph_module:reduce_graph_module
torch.package:PackageImporter torch.utils.cpp_extension:load torch.utils.collect_env:run torch.utils._config_module:load_config
torch.utils.data.datapipes.utils.decoder:basichandlers torch._inductor.codecache:compile_file torch._dynamo.guards:GuardBuilder.get
torch.jit.unsupported_tensor_ops:execWrapper torch.distributed.rpc:rpc_sync torch._ops:_Ops.load_library torch:UntypedStorage.from_file
transformers.dynamic_module_utils:get_class_from_dynamic_module transformers:AutoModel.from_pretrained tensorflow:load_op_library keras.models:load_model
onnxruntime:InferenceSession mlflow.pyfunc:load_model spacy:load spacy.util:run_command gensim.utils:unpickle gensim.models.word2vec:Word2Vec.load
nltk.data:load nltk.internals:java networkx:read_gpickle statsmodels.iolib.smpickle:load_pickle astropy.utils.data:download_file
requests:get httpx:get h5py:File cv2:VideoCapture paramiko:SSHClient docker:from_env IPython:start_ipython yaml:unsafe_load jsonpickle:decode
numexpr:evaluate sympy:sympify sympy.utilities.lambdify:lambdify PIL.Image:open six:exec_ past.builtins:execfile Cython.Build.Inline:cython_inline
dill._dill:_create_function dill._dill:_create_code cloudpickle.cloudpickle:_make_function cloudpickle.cloudpickle:subimport fabric:Connection
jinja2:Template random:_os.system logging:os.system some_package:run
"""
NAMED = "os:system builtins:exec builtins:eval subprocess:run pickle:loads socket:socket sys:modules importlib:import_module ctypes:CDLL"
FINE = """
builtins:set collections:OrderedDict datetime:datetime decimal:Decimal uuid:UUID pathlib:PosixPath numpy:dtype numpy.core.multiarray:_reconstruct
numpy._core.multiarray:scalar torch._utils:_rebuild_tensor_v2 torch:FloatStorage torch.nn.modules.linear:Linear sklearn.pipeline:Pipeline
sklearn.tree._tree:Tree pandas.core.frame:DataFrame pandas._libs.internals:_unpickle_block scipy.sparse._csr:csr_matrix xgboost.core:Booster
lightgbm.sklearn:LGBMClassifier re:_compile copyreg:_reconstructor functools:partial argparse:Namespace builtins:ValueError
"""


@pytest.mark.parametrize("name", CALLED.split())
def test_what_does_harm_when_called_is_grave(name):
    judged = verdict(*name.split(":"), Use.CALLED)

    assert judged is not None
    assert judged[1].rank >= 3


@pytest.mark.parametrize("name", NAMED.split())
def test_what_can_only_do_harm_is_grave_when_named(name):
    judged = verdict(*name.split(":"), Use.NAMED)

    assert judged is not None
    assert judged[1].rank >= 3


@pytest.mark.parametrize("name", FINE.split())
def test_what_honest_pickles_call_is_nothing(name):
    assert verdict(*name.split(":"), Use.CALLED) is None
