"""A page that asks for a login names its product; a version in Base64 is read; neither is taken for more than it is."""

import base64

import pytest

from jingwei.deploy.fingerprint.answer import read_answer
from jingwei.deploy.fingerprint.matching import holds, version_in
from jingwei.deploy.fingerprint.rule import VersionAt, Wanted

ENCODED = VersionAt(path="/", pattern=r"app@(\d+\.\d+)", encoded=True)


def page(status, text):
    return read_answer("/", status, [("content-type", "text/html")], text.encode())


@pytest.mark.parametrize(("status", "told"), [(200, True), (401, True), (403, True), (404, False), (502, False)])
def test_a_title_counts_on_a_page_and_on_a_login_page_only(status, told):
    assert holds(Wanted(title="Studio.*"), page(status, "<title>Studio - Login</title>")) is told


def test_a_fact_about_anything_but_a_title_keeps_its_status():
    assert not holds(Wanted(body="Studio"), page(401, "<title>Studio</title>"))
    assert not holds(Wanted(title="Studio", status=(404,)), page(401, "<title>Studio</title>"))


def test_a_version_that_stands_in_base64_is_read():
    held = base64.b64encode(b'{"release": "app@1.25", "x": ""}').decode()
    assert version_in(ENCODED, page(200, f'<meta content="{held}">')) == "1.25"


@pytest.mark.parametrize(
    "text", ['<meta content="app@1.25">', '<meta content="YXBw====YXBwYXBwYXBwYXBwYXBwYXBw">', '"' + "A" * 9000]
)
def test_what_is_no_base64_tells_no_version(text):
    assert version_in(ENCODED, page(200, text)) == ""
