"""A check makes safe what it looked at, and nothing beside it."""

import pytest

from jingwei.deploy.code.python import PythonSource, audit
from jingwei.deploy.code.rule import severity_of

START = """\
import json, os
from urllib.parse import urlparse
from openai import OpenAI
client = OpenAI()
ALLOWED = {'ls', 'date'}
def ask():
    return client.chat.completions.create(model='m', messages=[]).choices[0].message.content
def go():
    plan = json.loads(ask())
"""


def rules(body):
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    return {each.rule for each in audit([PythonSource("a.py", START + lines)]).reports if severity_of(each)}


@pytest.mark.parametrize(
    "body",
    [
        "if plan['tool'] == 'sh':\n    os.system(plan['line'])",
        "if plan['tool'] != 'sh':\n    return\nos.system(plan['line'])",
        "if plan['tool'] in ('sh', 'bash'):\n    os.system(plan['line'])",
        "if plan.get('tool') == 'sh':\n    os.system(plan.get('line'))",
        "if plan['tool'].lower().strip() == 'sh':\n    os.system(plan['args']['line'])",
        "tool = plan['tool']\nif tool == 'sh':\n    os.system(plan['line'])",
        "tool, line = plan['tool'], plan['line']\nif tool == 'sh':\n    os.system(line)",
        "if (tool := plan['tool']) == 'sh':\n    os.system(plan['line'])",
        "match plan['tool']:\n    case 'sh' | 'bash':\n        os.system(plan['line'])",
        "match plan:\n    case {'tool': 'sh', 'line': line}:\n        os.system(line)",
        "for call in client.messages.create(model='m').content:\n    if call.type == 'tool_use':\n        os.system(call.input['c'])",
        "if plan['line'] in ALLOWED:\n    pass\nos.system(plan['line'])",
        "if plan['line'] in ALLOWED:\n    plan['line'] = ask()\n    os.system(plan['line'])",
        "if plan['line'] in ALLOWED:\n    plan = json.loads(ask())\n    os.system(plan['line'])",
        "if json.loads(ask())['tool'] == 'sh':\n    os.system(ask())",
        "if len(plan) == 2:\n    os.system(plan['line'])",
    ],
)
def test_a_check_of_one_member_says_nothing_of_another(body):
    assert "code.command" in rules(body)


@pytest.mark.parametrize(
    "body",
    [
        "if plan['line'] in ALLOWED:\n    os.system(plan['line'])",
        "if plan['line'] not in ALLOWED:\n    return\nos.system(plan.get('line'))",
        "if plan.get('line') == 'ls':\n    os.system(plan['line'])",
        "line = plan['line']\nif line in ALLOWED:\n    os.system(line)",
        "line = plan['line']\nif line in ALLOWED:\n    os.system(plan['line'])",
        "match plan['line']:\n    case 'ls' | 'date':\n        os.system(plan['line'])",
        "match plan['line']:\n    case line if line in ALLOWED:\n        os.system(line)",
        "for call in client.messages.create(model='m').content:\n    if call.input['c'] in ALLOWED:\n        os.system(call.input['c'])",
        "if is_allowed(plan):\n    os.system(plan['line'])",
        "if plan['line'].isalnum():\n    os.system('ls ' + plan['line'])",
    ],
)
def test_a_check_of_the_very_value_makes_it_safe(body):
    assert "code.command" not in rules(body)


@pytest.mark.parametrize(
    "body",
    [
        "import requests\nif urlparse(plan['url']).hostname in {'a.example'}:\n    requests.get(plan['url'], timeout=3)",
        "import requests\nparts = urlparse(plan['url'])\nif parts.hostname not in {'a.example'}:\n    return\nrequests.get(plan['url'], timeout=3)",
        "import requests\nurl = plan['url']\nhost = urlparse(url).netloc\nif host in {'a.example'}:\n    requests.get(url, timeout=3)",
    ],
)
def test_a_checked_host_makes_the_address_safe(body):
    assert "code.address" not in rules(body)
