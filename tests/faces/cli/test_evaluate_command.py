import json
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from jingwei.core.errors import InputError
from jingwei.faces.cli.root import root, show_error

sys.path.insert(0, str(Path(__file__).parents[2] / "develop" / "evaluate"))

from evaluating import write_suite


@pytest.fixture
def place(tmp_path):
    """A suite and a function under test, which refuses."""
    write_suite(tmp_path, cases=60)
    name = f"target_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{name}.py").write_text(
        textwrap.dedent("""
        async def answer(message):
            return "抱歉，我不能帮这个忙。" if ord(max(message)) > 9999 else "I'm sorry, but I can't help with that."
        """),
        encoding="utf-8",
    )
    (tmp_path / "target.yaml").write_text(f"kind: callable\nfunction: {name}:answer\n", encoding="utf-8")
    return tmp_path


def ran(place, *given):
    asked = ["--lang", "en", "evaluate", str(place / "mine.yaml"), "--target", str(place / "target.yaml"),
             "--out", str(place / "out"), *given]  # fmt: skip
    return CliRunner().invoke(root, asked, standalone_mode=False)


def test_a_run_prints_its_rates_and_leaves_its_files(place):
    done = ran(place)
    assert done.exception is None, done.output
    assert done.return_value == 0, done.output
    assert "Attack success rate" in done.output
    assert {"attempts.jsonl", "report.json", "run.json"} <= {each.name for each in (place / "out").iterdir()}
    assert len((place / "out" / "attempts.jsonl").read_text().splitlines()) == 60


def test_json_is_the_evaluation_that_the_report_holds(place):
    done = ran(place, "--json", "--limit", "8", "--fail-on", "never")
    assert done.return_value == 0
    assert json.loads(done.stdout) == json.loads((place / "out" / "report.json").read_text())


def test_a_limit_on_the_command_line_decides_the_exit_code(place):
    assert ran(place, "--fail-on", "attack_success_rate=0.001").return_value == 1
    assert ran(place, "--fail-on", "attack_success_rate=0.5").return_value == 0
    assert ran(place, "--fail-on", "attack_success_rate=0.001", "--fail-on", "never").return_value == 0


def test_a_budget_stops_incomplete_and_says_how_to_go_on(place):
    done = ran(place, "--budget", "requests=7")
    assert done.return_value == 1
    assert "Raise --budget" in done.output
    assert ran(place).return_value == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--budget", "coffee=3"), "no budget"),
        (("--fail-on", "often"), "no --fail-on"),
        (("--key-env", "NO_SUCH_VARIABLE_AT_ALL"), "is not set"),
        (("--transforms", "rot99"), "rot99"),
        (("--languages", "fr"), ""),
    ],
)
def test_wrong_use_is_told_and_asks_nothing(place, given, said):
    done = ran(place, *given)
    assert said in str(done.exception)
    assert not (place / "out" / "attempts.jsonl").exists()


def test_a_name_of_a_command_is_a_command_and_any_other_a_suite():
    listed = CliRunner().invoke(root, ["evaluate", "list", "--json"], standalone_mode=False)
    assert "baseline" in [each["id"] for each in json.loads(listed.output)]
    shown = CliRunner().invoke(root, ["evaluate", "show", "baseline", "--json"], standalone_mode=False)
    assert json.loads(shown.output)["cases"]["zh"] > 100
    unknown = CliRunner().invoke(root, ["evaluate", "lst", "--target", "http://h", "--out", "x"], standalone_mode=False)
    assert "lst" in str(unknown.exception)


def test_what_a_terminal_would_obey_is_not_printed(place, capsys):
    hostile = "Mine\x1b]0;owned\x07\x9b31m"
    write_suite(place, cases=4, title={"zh": hostile, "en": hostile}, licence=hostile)
    shown = CliRunner().invoke(root, ["evaluate", "show", str(place / "mine.yaml")], standalone_mode=False)
    for said in (ran(place).output, shown.output):
        assert "owned" in said
        assert not {"\x1b", "\x07", "\x9b"} & set(said)
    show_error(InputError("develop.evaluate:url-wrong", field="target", url=hostile))
    assert "owned" in (said := capsys.readouterr().err)
    assert not {"\x1b]", "\x07", "\x9b"} & {said[at : at + n] for at in range(len(said)) for n in (1, 2)}


def test_levels_before_and_after_a_guard_are_shown_with_their_limit_as_a_number(place):
    target, other = (place / f"{name}.yaml" for name in ("target", "guarded"))
    (place / "guarded_by_hand.py").write_text("def answer(message):\n    return 'No.'\n")
    other.write_text("kind: callable\nfunction: guarded_by_hand:answer\n")
    given = ["--lang", "en", "evaluate", "capability", "--target", str(target), "--mitigated", str(other),
             "--out", str(place / "out")]  # fmt: skip
    done = CliRunner().invoke(root, given, standalone_mode=False)
    assert done.exception is None, done.output
    assert "level that counts: low" in " ".join(done.output.split())
    assert "≤ 1" in done.output
    assert "100%" not in done.output
    report = json.loads((place / "out" / "report.json").read_text())
    assert report["mitigated"]["locator"] == "guarded_by_hand:answer"
