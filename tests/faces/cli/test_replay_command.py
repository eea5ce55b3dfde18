import json
import socket

import pytest
from click.testing import CliRunner

from jingwei.core.errors import InputError, NotFound, Unavailable
from jingwei.develop.evaluate.organisms import script_server, serving
from jingwei.develop.evaluate.replay import hijacked
from jingwei.faces.cli.replay_gateway import standing
from jingwei.faces.cli.root import root


def ran(*given):
    return CliRunner().invoke(root, ["--lang", "en", "evaluate", "replay", *map(str, given)], standalone_mode=False)


@pytest.fixture
def port():
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def keys(tmp_path, monkeypatch):
    """A file that names the variable with the bank's key."""
    monkeypatch.setenv("REPLAY_TEST_BANK", "k" * 20)
    path = tmp_path / "keys.yaml"
    path.write_text("bank: REPLAY_TEST_BANK\n", encoding="utf-8")
    return path


@pytest.mark.slow
def test_no_guard_at_all_lets_every_attack_through_and_fails(port, keys):
    given = ("--gateway", f"http://127.0.0.1:{port}/v1", "--keys", keys, "--model-port", port, "--sectors", "bank")
    done = ran(*given, "--json")
    assert done.exception is None, done.exception
    assert done.return_value == 1
    found = json.loads(done.stdout)
    assert found["outcome"] == "fail"
    assert [(each["utility"]["value"], each["blocked"]["value"]) for each in found["parts"]] == [(1.0, 0.0)] * 2


@pytest.mark.slow
def test_a_gateway_that_asks_another_model_has_defended_nothing(port, keys):
    with serving(script_server(hijacked, name="other")) as url:
        done = ran("--gateway", url, "--keys", keys, "--model-port", port, "--sectors", "bank")
    assert isinstance(done.exception, Unavailable)
    assert f"http://127.0.0.1:{port}/v1" in str(done.exception)


@pytest.mark.slow
def test_a_gateway_is_started_and_ended_where_none_is_given():
    done = ran("--sectors", "bank")
    assert done.exception is None, done.exception
    assert done.return_value == 0, done.output
    assert "Bank" in done.output
    assert "40/40" in done.output


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--gateway", "http://127.0.0.1:9/v1"), "both"),
        (("--sectors", "bank,casino"), "casino"),
    ],
)
def test_wrong_use_is_told(given, said):
    assert said in str(ran(*given).exception)


def test_an_unknown_sector_names_those_there_are():
    done = ran("--sectors", "casino")
    assert isinstance(done.exception, NotFound)
    assert "hospital" in str(done.exception)


@pytest.mark.parametrize("url", ["bank.yaml", "https://127.0.0.1:9/v1/messages"])
def test_what_is_no_chat_address_is_told(url, keys):
    assert "no gateway's address" in str(ran("--gateway", url, "--keys", keys, "--sectors", "bank").exception)


def test_the_file_of_keys_must_name_every_sector_and_variables_that_are_set(keys, monkeypatch):
    url = "http://127.0.0.1:9/v1"
    lacking = ran("--gateway", url, "--keys", keys, "--sectors", "bank,grid").exception
    assert isinstance(lacking, InputError)
    assert "grid" in str(lacking)
    monkeypatch.delenv("REPLAY_TEST_BANK")
    assert "REPLAY_TEST_BANK" in str(ran("--gateway", url, "--keys", keys, "--sectors", "bank").exception)


def test_a_taken_port_is_told(keys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = ran("--gateway", "http://127.0.0.1:9/v1", "--keys", keys, "--model-port", port, "--sectors", "bank")
    assert isinstance(done.exception, Unavailable)
    assert str(port) in str(done.exception)


@pytest.mark.slow
def test_a_gateway_that_does_not_start_says_why(tmp_path):
    with (
        pytest.raises(Unavailable, match="did not start"),
        standing(tmp_path, "not an address", sectors=["bank"]),
    ):
        pytest.fail("it started")
