"""What a program fetches, whom it asks and whom it answers: versions, interpreters, cleartext, limits and logins."""

import pytest

from jingwei.deploy.code.python import PythonSource, audit
from jingwei.deploy.code.python.services import judge
from jingwei.deploy.code.rule import severity_of
from jingwei.deploy.code.scanner import Options, scan


def rules(code):
    program = audit([PythonSource("a.py", code)])
    reports = [*program.reports, *judge(program.program, {"a.py": code})]
    return [each.rule for each in reports if severity_of(each)]


@pytest.mark.parametrize(
    "code",
    [
        "from huggingface_hub import snapshot_download\nsnapshot_download('lab/ner', local_dir='x')",
        "from huggingface_hub import hf_hub_download\nhf_hub_download(repo_id='lab/ner', filename='a.bin', revision='main')",
        "import huggingface_hub as h\nh.HfApi().snapshot_download('lab/ner')",
        "from transformers import AutoModel\nNAME = 'lab/ner'\nAutoModel.from_pretrained(NAME)",
        "from transformers import pipeline\npipeline('text-generation', model='lab/ner')",
        "from sentence_transformers import SentenceTransformer\nSentenceTransformer('lab/enc')",
    ],
)
def test_a_model_that_may_change_on_its_hub_is_told(code):
    assert "code.unpinned-model" in rules(code)


@pytest.mark.parametrize(
    "code",
    [
        "from huggingface_hub import snapshot_download\nsnapshot_download('lab/ner', revision='0123456789abcdef')",
        "from transformers import AutoModel\nAutoModel.from_pretrained('./models/ner')",
        "from transformers import AutoModel\nAutoModel.from_pretrained('output/final')",
        "from transformers import AutoModel\nAutoModel.from_pretrained('/srv/ner')",
        "from transformers import AutoModel\nAutoModel.from_pretrained('lab/ner', local_files_only=True)",
        "from transformers import AutoModel\nimport sys\nAutoModel.from_pretrained(sys.argv[1])",
        "from transformers import AutoModel\nREV = load()\nAutoModel.from_pretrained('lab/ner', revision=REV)",
    ],
)
def test_a_pinned_or_local_model_is_not(code):
    assert "code.unpinned-model" not in rules(code)


@pytest.mark.parametrize("name", ["PandasQueryEngine", "PolarsQueryEngine"])
def test_an_engine_that_runs_what_a_model_writes_is_an_interpreter(name):
    code = f"from llama_index.experimental.query_engine import {name}\nengine = {name}(df=None)\n"
    assert "code.interpreter-tool" in rules(code)


def test_a_query_engine_is_no_database_and_a_connection_is():
    engine = "from flask import request\nengine = index.as_query_engine()\nengine.query(request.args['q'])"
    assert "code.sql" not in rules(engine)
    database = "from flask import request\nimport sqlite3\ncon = sqlite3.connect('x')\ncon.execute(request.args['q'])"
    assert "code.sql" in rules(database)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import requests\nURL = 'http://e.corp.example.com/embed'\ndef e(t):\n    requests.post(URL, json={'inputs': t}, timeout=3)", True),
        ("import httpx\nBASE = 'http://e.corp.example.com'\nhttpx.post(f'{BASE}/rerank', json={'q': 1})", True),
        ("import requests\nURL = 'https://e.corp.example.com/embed'\nrequests.post(URL, json={'inputs': 1}, timeout=3)", False),
        ("import requests\nURL = 'http://127.0.0.1:80/embed'\nrequests.post(URL, json={'inputs': 1}, timeout=3)", False),
        ("import requests\nrequests.post('http://e.corp.example.com/orders', json={'id': 1}, timeout=3)", False),
        ("import requests\nrequests.get('http://e.corp.example.com/embed', timeout=3)", False),
    ],
)  # fmt: skip
def test_input_that_a_model_gets_in_cleartext_is_told(code, told):
    assert ("code.cleartext-model" in rules(code)) is told


@pytest.mark.parametrize(("limit", "told"), [("", 1), (", timeout=20", 0)])
def test_a_model_is_asked_within_a_time(limit, told):
    code = f"import requests\nfrom flask import Flask\napp = Flask(__name__)\n@app.get('/x')\ndef x():\n    return requests.post('https://api.openai.com/v1/chat/completions', json={{}}{limit}).json()"
    assert rules(code).count("code.no-timeout") == told


ROUTE = "import ollama\nfrom fastapi import Depends, FastAPI\napp = FastAPI()\ndef ask(q):\n    return ollama.generate('m', q)\n"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (ROUTE + "@app.post('/x')\ndef x(q: str):\n    return ask(q)", True),
        (ROUTE + "HEAD = {'Authorization': 'Bearer x'}\n@app.post('/x')\ndef x(q: str):\n    return ask(q)", True),
        (ROUTE + "@app.post('/x', dependencies=[Depends(who)])\ndef x(q: str):\n    return ask(q)", False),
        (ROUTE + "@app.post('/x')\n@guarded\ndef x(q: str):\n    return ask(q)", False),
        (ROUTE + "@app.post('/x')\ndef x(q: str):\n    return q", False),
        (ROUTE + "app.add_middleware(AuthenticationMiddleware)\n@app.post('/x')\ndef x(q: str):\n    return ask(q)", False),
        (ROUTE + "@app.post('/x')\ndef x(q: str):\n    return ask(q)\nimport uvicorn\nuvicorn.run(app, host='127.0.0.1')", False),
    ],
)  # fmt: skip
def test_a_route_that_offers_a_model_to_anyone_is_told(code, told):
    assert ("code.open-route" in rules(code)) is told


KEY = "q8Zr2LxV0bTn5KcW7yHd3MfPa9Js1GeU4Ro6"


@pytest.mark.parametrize(
    "code",
    [
        f"A = 'sk-proj-' 'Zt8{KEY}'",
        f"A = ('sk-proj-'\n     'Zt8{KEY}')",
        f"A = 'sk-' + 'proj-' + 'Zt8{KEY}'",
        f"api_key = '{KEY[:12]}' '{KEY[12:]}'",
        f"connect(api_key='{KEY[:12]}' + '{KEY[12:]}')",
        f"A = '中文'; B = 'sk-proj-' 'Zt8{KEY}'",
    ],
)
def test_a_key_in_pieces_is_a_key(code, tmp_path):
    (tmp_path / "a.py").write_text(code)
    (one,) = list(scan(str(tmp_path / "a.py"), Options()))
    assert [each.rule_id for each in one.findings] == ["code.secret"]
    assert KEY[14:] not in one.findings[0].evidence


@pytest.mark.parametrize(
    "code",
    [
        "A = 'a long sentence that is ' 'continued on another line of the file'",
        "api_key = 'your-' 'api-key-goes-here'",
        "api_key = 'sk-proj-' + load()",
        "PREFIX = 'sk-' 'proj-'",
    ],
)
def test_other_texts_in_pieces_are_not(code, tmp_path):
    (tmp_path / "a.py").write_text(code)
    (one,) = list(scan(str(tmp_path / "a.py"), Options()))
    assert not one.findings
