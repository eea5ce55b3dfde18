"""What is decided from outside is followed through functions, classes, modules and checks, to where it does harm."""

import pytest

from jingwei.deploy.code.python import PythonSource, audit
from jingwei.deploy.code.rule import severity_of

MODEL = "from openai import OpenAI\nclient = OpenAI()\ndef ask(q):\n    return client.chat.completions.create(model='m', messages=[{'role': 'user', 'content': q}]).choices[0].message.content\n"


def found(*sources, **named):
    files = [PythonSource(f"m{number}.py", text) for number, text in enumerate(sources)]
    files += [PythonSource(f"{name}.py", text) for name, text in named.items()]
    return {(each.place.path, each.place.line, each.rule) for each in audit(files).reports if severity_of(each)}


def rules(*sources, **named):
    return {rule for _, _, rule in found(*sources, **named)}


@pytest.mark.parametrize(
    "use",
    [
        "eval(ask('x'))",
        "code = ask('x')\ncode = code.strip().split('```')[1]\nexec(code)",
        "import json\ncall = json.loads(ask('x'))\nexec(call['code'])",
        "for part in [ask('x')]:\n    exec(part)",
        "exec(compile(ask('x'), 'a', 'exec'))",
        "[eval(each) for each in ask('x').splitlines()]",
        "exec((lambda: ask('x'))() if False else ask('y'))",
        "text = 'import os; ' + ask('x')\nexec(text)",
        "text = f'{ask(1)}'\nexec(text)",
        "text = '{}'.format(ask('x'))\nexec(text)",
        "parts = []\nparts.append(ask('x'))\nexec(''.join(parts))",
        "if (code := ask('x')):\n    exec(code)",
        "def run(c):\n    exec(c)\nrun(ask('x'))",
        "def run(c, n=0):\n    if n:\n        exec(c)\n    run(c, n + 1)\nrun(ask('x'))",
        "class A:\n    def __init__(self):\n        self.code = ask('x')\n    def go(self):\n        exec(self.code)",
        "def outer():\n    got = ask('x')\n    def inner():\n        exec(got)\n    return inner",
        "import threading\ndef run(c):\n    exec(c)\nthreading.Thread(target=run, args=(ask('x'),)).start()",
        "try:\n    code = ask('x')\nexcept ValueError:\n    code = ''\nexec(code)",
        "match ask('x'):\n    case str() as code:\n        exec(code)",
        "from third_party import parse\nexec(parse(ask('x')))",
        "e = eval\ne(ask('x'))",
        "import builtins\nbuiltins.exec(ask('x'))",
        "d = {'a': 1, 'code': ask('x')}\nexec(d['code'])",
        "x = y = ask('q')\nexec(y)",
        "a, b = 1, ask('q')\nexec(b)",
        "from functools import partial\ndef run(k, c):\n    exec(c)\nrun(*[1, ask('q')])",
    ],
)
def test_a_models_words_are_followed_to_eval(use):
    assert "code.eval" in rules(MODEL + use)


@pytest.mark.parametrize(
    "use",
    [
        "eval('1 + 1')",
        "d = {'a': '1', 'code': ask('x')}\neval(d['a'])",
        "n = int(ask('x'))\nexec('x = %d' % n)",
        "code = ask('x')\nif code not in ('a', 'b'):\n    raise ValueError\nexec(code)",
        "code = ask('x')\nif code == 'fixed':\n    exec(code)",
        "def evaluate(x):\n    return x\nevaluate(ask('x'))",
        "model.eval()",
        "import pandas as pd\nask('x')\npd.DataFrame().query('a > 1')",
    ],
)
def test_what_is_fixed_or_checked_is_no_flow(use):
    assert "code.eval" not in rules(MODEL + use)


def test_a_flow_crosses_modules_and_is_told_where_it_does_harm():
    app = "from llm import ask\nfrom tools import run\nrun(ask('x'))\n"
    tools = "import os\ndef run(command):\n    os.system(command)\n"
    assert found(app=app, llm=MODEL, tools=tools) == {("tools.py", 3, "code.command")}


def test_a_flow_crosses_packages_and_names_given_on():
    files = [
        PythonSource("pkg/__init__.py", "from .llm import ask\n"),
        PythonSource("pkg/llm.py", MODEL),
        PythonSource("app.py", "import pkg\nexec(pkg.ask('x'))\n"),
    ]
    assert {each.rule for each in audit(files).reports} == {"code.eval"}


def test_a_function_is_judged_by_each_of_its_calls():
    source = "import os\ndef show(x):\n    return x\nos.system(show('ls'))\nprint(show(ask('x')))\n"
    assert "code.command" not in rules(MODEL + source)


def test_what_nobody_calls_is_told_as_of_unknown_origin():
    reports = audit([PythonSource("a.py", "def run(code):\n    exec(code)\n")]).reports
    assert [(each.rule, each.taint.origin.value) for each in reports] == [("code.eval", "param")]


def test_fixed_arguments_of_every_call_clear_a_function():
    source = "import os\ndef run(name):\n    os.system('systemctl restart ' + name)\nrun('web')\nrun('db')\n"
    assert not rules(source)


FLASK = "from flask import Flask, request, abort\nimport sqlite3, os, re, requests, subprocess\napp = Flask(__name__)\n@app.route('/x')\ndef x():\n    v = request.args.get('v')\n"


@pytest.mark.parametrize(
    ("use", "rule"),
    [
        ("    return requests.get(v, timeout=1).text", "code.address"),
        ("    u = 'http://' + v + '/a'\n    return requests.get(u, timeout=1).text", "code.address"),
        ("    return open('/data/' + v).read()", "code.path"),
        ("    return open(os.path.join('/data', v)).read()", "code.path"),
        (
            "    q = f'SELECT * FROM t WHERE a = {v}'\n    return sqlite3.connect('d').cursor().execute(q).fetchall()",
            "code.sql",
        ),
        (
            "    q = 'SELECT * FROM t WHERE a = %s' % v\n    c = sqlite3.connect('d')\n    return c.execute(q)",
            "code.sql",
        ),
        ("    return subprocess.run(['bash', '-c', 'ls ' + v])", "code.command"),
        ("    return f'<b>{v}</b>'", "code.page"),
        ("    if not v:\n        abort(400)\n    return open(v).read()", "code.path"),
        ("    if len(v) > 20:\n        abort(400)\n    return open(v).read()", "code.path"),
    ],
)
def test_what_a_user_sends_is_followed(use, rule):
    assert rule in rules(FLASK + use)


@pytest.mark.parametrize(
    "use",
    [
        "    return requests.get('https://api.example.org/', params={'q': v}, timeout=1).text",
        "    if not re.fullmatch('[a-z]+', v):\n        abort(400)\n    return open('/data/' + v).read()",
        "    return sqlite3.connect('d').execute('SELECT * FROM t WHERE a = ?', (v,)).fetchall()",
        "    return subprocess.run(['grep', '--', v, 'log.txt'], check=True)",
        "    return open({'a': 'a.txt'}[v]).read()",
        "    if v.startswith('https://api.example.org/'):\n        return requests.get(v, timeout=1).text\n    return ''",
        "    n = int(v)\n    return open(f'/data/{n}.txt').read()",
        "    return {'v': v}",
    ],
)
def test_what_is_bound_or_checked_is_clean(use):
    assert not rules(FLASK + use)


def test_typed_fields_of_a_request_model_carry_no_text():
    source = (
        "import sqlite3\nfrom fastapi import FastAPI\nfrom pydantic import BaseModel\napp = FastAPI()\n"
        "class Q(BaseModel):\n    limit: int\n    name: str\n"
        "@app.post('/a')\ndef a(q: Q):\n    return sqlite3.connect('d').execute(f'SELECT * FROM t LIMIT {q.limit}')\n"
        "@app.post('/b')\ndef b(q: Q):\n    return sqlite3.connect('d').execute(f\"SELECT * FROM t WHERE n = '{q.name}'\")\n"
    )
    assert {line for _, line, rule in found(source) if rule == "code.sql"} == {13}


def test_a_program_that_is_nested_too_deep_is_a_gap_and_no_crash():
    audited = audit([PythonSource("a.py", "x = " + "(" * 5000 + ")" * 5000), PythonSource("b.py", "eval(input())")])
    assert set(audited.broken) == {"a.py"}
    assert [each.rule for each in audited.reports] == ["code.eval"]


def test_a_long_sum_is_read_without_recursion():
    audited = audit([PythonSource("a.py", "x = " + " + ".join(["'a'"] * 900))])
    assert not audited.broken


def test_python_2_is_a_gap():
    assert audit([PythonSource("a.py", "print 'x'")]).broken == {"a.py": "gap-not-python"}


def test_the_names_of_settings_are_no_secrets_but_their_values_are():
    source = "import os\nneeded = {'OPENAI_API_KEY': os.getenv('OPENAI_API_KEY')}\nfor name, value in needed.items():\n    print(name)\n    print(value)\n"
    assert found(source) == {("m0.py", 5, "code.secret-logged")}


def test_a_query_of_a_vector_store_is_no_sql():
    assert not rules("class VectorDB:\n    def find(self, index, words):\n        return index.query(words)\n")


def test_a_function_that_a_form_calls_gets_what_a_user_entered():
    source = "import gradio as gr, requests\ndef fetch(u):\n    return requests.get(u, timeout=1).text\nb = gr.Button('x')\nb.click(lambda u: fetch(u), None, None)\n"
    assert rules(source) == {"code.address"}


def test_a_chain_that_ends_in_a_model_asks_it():
    source = "from langchain_openai import ChatOpenAI\nfrom p import prompt, parser\nchain = prompt | ChatOpenAI() | parser\neval(chain.invoke({}))\n"
    assert rules(source) == {"code.eval"}


@pytest.mark.parametrize(
    "use",
    [
        "    return requests.get(f'https://api.example.org/users/{v}', timeout=1).text",
        "    base = os.environ['API']\n    return requests.get(base + '/users/' + v, timeout=1).text",
        "    from flask import redirect\n    return redirect(f'/users/{v}')",
    ],
)
def test_an_address_whose_host_is_fixed_is_not_chosen_from_outside(use):
    assert not rules(FLASK + use)


@pytest.mark.parametrize(
    "use",
    [
        "    return requests.get(f'http://{v}/a', timeout=1).text",
        "    return requests.get('https://%s/a' % v, timeout=1).text",
    ],
)
def test_an_address_whose_host_is_given_is(use):
    assert rules(FLASK + use) == {"code.address"}


def test_loops_inside_loops_do_not_double_the_work():
    lines = [f"{'  ' * depth}for x{depth} in y:" for depth in range(60)]
    assert not audit([PythonSource("a.py", "\n".join([*lines, "  " * 60 + "pass"]))]).broken


SERVED = "from flask import Flask, request\nfrom openai import OpenAI\nclient = OpenAI()\napp = Flask(__name__)\n"
WRAPPER = "def say(text, system='You help.'):\n    return client.messages.create(model='m', system=system, messages=[{'role': 'user', 'content': text}])\n"
HOLDER = (
    "class Bot:\n    def __init__(self, persona):\n        self.persona = persona\n    def chat(self, words):\n"
    "        return client.chat.completions.create(model='m', messages=[{'role': 'system', 'content': f'You are {self.persona}'}, {'role': 'user', 'content': words}])\n"
)


@pytest.mark.parametrize(
    "code",
    [
        WRAPPER + "@app.post('/a')\ndef a():\n    return say('x', 'Rules: ' + request.json['rules'])",
        WRAPPER
        + "@app.post('/a')\ndef a():\n    head = 'Rules: %s' % request.json['r']\n    return say('x', system=head)",
        WRAPPER
        + "def tell(r, q):\n    return say(q, system=f'Rules: {r}')\n@app.post('/a')\ndef a():\n    return tell(request.json['r'], 'x')",
        WRAPPER
        + "def tell(r, q):\n    return say(q, r)\n@app.post('/a')\ndef a():\n    return tell('Rules: ' + request.json['r'], 'x')",
        HOLDER + "@app.post('/a')\ndef a():\n    return Bot(request.json['p']).chat('x')",
        HOLDER
        + "def make(p):\n    return Bot(p)\n@app.post('/a')\ndef a():\n    return make(request.json['p']).chat('x')",
        HOLDER
        + "bot = Bot('kind')\n@app.post('/a')\ndef a():\n    bot.persona = request.json['p']\n    return bot.chat('x')",
    ],
)
def test_what_a_user_sends_is_followed_into_a_system_prompt(code):
    assert "code.system-prompt" in rules(SERVED + code)


@pytest.mark.parametrize(
    "code",
    [
        WRAPPER + "@app.post('/a')\ndef a():\n    return say(request.json['q'], 'Rules: none')",
        WRAPPER
        + "RULES = 'be kind'\n@app.post('/a')\ndef a():\n    return say('Q: ' + request.json['q'], f'Rules: {RULES}')",
        HOLDER + "@app.post('/a')\ndef a():\n    return Bot('kind').chat(request.json['p'])",
        HOLDER
        + "@app.post('/a')\ndef a():\n    p = request.json['p']\n    if p not in ('kind', 'short'):\n        return ''\n    return Bot(p).chat('x')",
    ],
)
def test_a_system_prompt_of_fixed_parts_is_no_finding(code):
    assert "code.system-prompt" not in rules(SERVED + code)


def test_a_default_of_a_request_model_does_not_hide_what_is_sent():
    code = (
        "from fastapi import FastAPI\nfrom pydantic import BaseModel\nfrom openai import OpenAI\napp = FastAPI()\n"
        "class Ask(BaseModel):\n    persona: str = 'polite'\n"
        "def build(ask: Ask):\n    return [{'role': 'system', 'content': 'Style: ' + ask.persona}]\n"
        "@app.post('/a')\ndef a(body: Ask):\n    return OpenAI().chat.completions.create(model='m', messages=build(body))\n"
    )
    assert "code.system-prompt" in rules(code)
