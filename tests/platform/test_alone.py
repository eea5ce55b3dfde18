"""One check, run where it stands: what an interruption leaves, and what the next run makes of it."""

import asyncio
import json
import signal
from typing import ClassVar

import pytest
from pydantic import Field

from jingwei.core.check import CheckOptions, Run
from jingwei.core.errors import InputError, Unavailable
from jingwei.core.evidence import Artefact, Draft, Outcome
from jingwei.core.target import Target, TargetKind
from jingwei.core.text import Both
from jingwei.platform.alone import Alone

SAYS = Both(zh="试", en="test")


class Options(CheckOptions):
    """What the counting check can be told."""

    units: int = Field(default=6, description="How many.")


class Counting:
    """A check that counts what it examines, and stops where a test tells it to."""

    id: ClassVar[str] = "counting"
    version: ClassVar[str] = "1"
    title: ClassVar[Both] = SAYS
    about: ClassVar[Both] = SAYS
    evidence_types: ClassVar[tuple[str, ...]] = ("EV-TEST",)
    target_kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.FILE, TargetKind.ENDPOINT)
    options: ClassVar[type[Options]] = Options

    def __init__(self) -> None:
        self.examined: list[int] = []
        self.stop: dict[int, object] = {}

    def plan(self, run: Run) -> list:
        return list(range(run.options.units))

    async def examine(self, _run: Run, unit):
        await asyncio.sleep(0)
        stop = self.stop.pop(unit, None)
        if stop is KeyboardInterrupt:
            signal.raise_signal(signal.SIGINT)  # what Ctrl-C does
            await asyncio.sleep(60)
        if stop is not None:
            raise stop
        self.examined.append(unit)
        return unit * unit

    def conclude(self, _run: Run, units, results) -> list[Draft]:
        outcome = Outcome.PASS if list(results) == [unit * unit for unit in units] else Outcome.FAIL
        return [Draft(type="EV-TEST", outcome=outcome, summary=SAYS, examined=len(units))]

    def concurrency(self, _run: Run) -> int:
        return 1


def kept(name, media_type, content):
    return Artefact(name=name, media_type=media_type, sha256="0" * 64, size=len(content))


@pytest.fixture
def check():
    return Counting()


@pytest.fixture
def alone(tmp_path):
    return Alone(tmp_path / "home")


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "data"
    path.write_text("one")
    return path


def run_of(target, **options):
    return Run(id="run_1", target=Target(kind=TargetKind.FILE, locator=str(target)), options=Options(**options),
               keep=kept)  # fmt: skip


def told():
    heard = []
    return heard, lambda done, total: heard.append((done, total))


def journals(alone):
    return sorted((alone.folder / "runs").glob("*.jsonl"))


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Unavailable("platform:run-unknown", run="x")])
def test_an_interrupted_check_goes_on_where_it_was(alone, check, target, stop):
    check.stop = {4: stop}
    with pytest.raises((KeyboardInterrupt, Unavailable)):
        alone.run(check, run_of(target), progress=lambda *_: None)
    assert check.examined == [0, 1, 2, 3]
    heard, progress = told()
    found = alone.run(check, run_of(target), progress=progress)
    assert check.examined == [0, 1, 2, 3, 4, 5]
    assert heard == [(4, 6), (5, 6), (6, 6)]
    assert found[0].outcome is Outcome.PASS
    assert found[0].source.name == "counting"


def test_a_run_that_came_to_its_end_leaves_no_journal_and_starts_anew(alone, check, target):
    for _ in range(2):
        alone.run(check, run_of(target), progress=lambda *_: None)
        assert journals(alone) == []
    assert check.examined == [*range(6), *range(6)]


def test_the_same_key_signs_each_run(alone, check, target):
    first, second = (alone.run(check, run_of(target), progress=lambda *_: None)[0] for _ in range(2))
    assert first.signature.key_id == second.signature.key_id
    assert (alone.folder / "keys" / "local.key").stat().st_mode & 0o077 == 0


@pytest.fixture
def interrupted(alone, check, target):
    """Stop a run after four units."""
    check.stop = {4: Unavailable("platform:run-unknown", run="x")}
    with pytest.raises(Unavailable):
        alone.run(check, run_of(target), progress=lambda *_: None)
    check.examined.clear()
    return alone


def test_another_option_starts_over(interrupted, check, target):
    interrupted.run(check, run_of(target, seed=7), progress=lambda *_: None)
    assert check.examined == [*range(6)]
    assert len(journals(interrupted)) == 1  # the other one still waits


def test_another_target_starts_over(interrupted, check, tmp_path):
    (tmp_path / "other").write_text("two")
    interrupted.run(check, run_of(tmp_path / "other"), progress=lambda *_: None)
    assert check.examined == [*range(6)]


def test_a_target_whose_content_changed_starts_over(interrupted, check, target):
    target.write_text("one, and then something else")
    interrupted.run(check, run_of(target), progress=lambda *_: None)
    assert check.examined == [*range(6)]


def test_a_folder_in_which_a_file_changed_starts_over(alone, check, tmp_path):
    folder = tmp_path / "models"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a").write_text("one")
    check.stop = {4: Unavailable("platform:run-unknown", run="x")}
    with pytest.raises(Unavailable):
        alone.run(check, run_of(folder), progress=lambda *_: None)
    check.examined.clear()
    (folder / "deep" / "a").write_text("changed")
    alone.run(check, run_of(folder), progress=lambda *_: None)
    assert check.examined == [*range(6)]


def test_another_version_of_the_check_starts_over(interrupted, check, target):
    class Newer(Counting):
        version = "2"

    newer = Newer()
    interrupted.run(newer, run_of(target), progress=lambda *_: None)
    assert newer.examined == [*range(6)]


def test_fresh_forgets_an_interrupted_run(interrupted, check, target):
    interrupted.run(check, run_of(target), progress=lambda *_: None, fresh=True)
    assert check.examined == [*range(6)]
    assert journals(interrupted) == []


def test_a_torn_last_line_is_left_out(interrupted, check, target):
    (path,) = journals(interrupted)
    path.write_bytes(path.read_bytes()[:-3])
    interrupted.run(check, run_of(target), progress=lambda *_: None)
    assert check.examined == [3, 4, 5]


def test_what_follows_a_torn_line_is_not_lost_either(interrupted, check, target):
    (path,) = journals(interrupted)
    path.write_bytes(path.read_bytes()[:-3])
    check.stop = {5: Unavailable("platform:run-unknown", run="x")}
    with pytest.raises(Unavailable):
        interrupted.run(check, run_of(target), progress=lambda *_: None)
    assert check.examined == [3, 4]
    found = interrupted.run(check, run_of(target), progress=lambda *_: None)
    assert check.examined == [3, 4, 5]
    assert found[0].outcome is Outcome.PASS


@pytest.mark.parametrize("content", [b"", b"\n", b"not json\n", b"[]\n", b'{"plan": 1}\n', b'{"other": 1}\n{}\n'])
def test_a_journal_that_is_none_is_begun_anew(interrupted, check, target, content):
    (path,) = journals(interrupted)
    path.write_bytes(content)
    interrupted.run(check, run_of(target), progress=lambda *_: None)
    assert check.examined == [*range(6)]


def test_a_journal_with_units_the_plan_has_not_is_begun_anew(interrupted, check, target):
    (path,) = journals(interrupted)
    with path.open("ab") as file:
        file.write(json.dumps({"unit": 99, "result": 1}).encode() + b"\n")
    found = interrupted.run(check, run_of(target), progress=lambda *_: None)
    assert check.examined in ([4, 5], [*range(6)])
    assert found[0].outcome is Outcome.PASS


def test_a_home_that_cannot_be_written_is_said(check, target, tmp_path):
    (tmp_path / "home").write_text("a file, not a folder")
    with pytest.raises(Unavailable) as caught:
        Alone(tmp_path / "home").run(check, run_of(target), progress=lambda *_: None)
    assert caught.value.code == "platform:home-unwritable"


def test_of_several_failures_at_once_one_is_said(alone, check, target):
    class Both2(Counting):
        def concurrency(self, _run):
            return 4

    check = Both2()
    check.stop = {1: InputError("platform:run-unknown", run="a"), 2: InputError("platform:run-unknown", run="b")}
    with pytest.raises(InputError) as caught:
        alone.run(check, run_of(target), progress=lambda *_: None)
    assert caught.value.code == "platform:run-unknown"
