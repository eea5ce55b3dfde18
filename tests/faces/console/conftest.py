"""The story, told once a session, and the console over it."""

import shutil
import sys
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))

from console_story import Story, told

from jingwei.core.identity import PLATFORM
from jingwei.core.settings import Settings
from jingwei.faces.console import console
from jingwei.faces.console.caller import SESSION
from jingwei.platform import Platform


@dataclass(frozen=True)
class Browser:
    """A signed-in client with the secret its forms carry."""

    client: TestClient
    csrf: str

    def get(self, path: str, **headers: str):
        return self.client.get(path, headers=headers)

    def post(self, path: str, **fields: str):
        return self.client.post(path, data={"csrf": self.csrf, **fields}, follow_redirects=False)


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    found = told(tmp_path_factory.mktemp("story") / "home")
    yield found
    found.platform.close()


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A story that was told and closed: to be copied."""
    found = told(tmp_path_factory.mktemp("book") / "home")
    found.platform.close()
    return found


@pytest.fixture
def own_story(tmp_path: Path, book: Story) -> Iterator[Story]:
    """A story that a test may change: a copy of one that was told."""
    home = shutil.copytree(book.platform.settings.home, tmp_path / "home")
    clock = copy(book.clock)
    platform = Platform(Settings(home=home), clock=clock)
    platform.__dict__["catalog"] = book.platform.catalog
    platform.prepare()
    found = replace(book, platform=platform, clock=clock)
    yield found
    found.platform.close()


def _signed_in(story: Story, login: str) -> Browser:
    with story.platform.work(PLATFORM, "test") as work:
        session = work.browsers.open(story.people[login])
    client = TestClient(console(story.platform), base_url="http://console.test")
    client.cookies.set(SESSION, session.token)
    return Browser(client, session.csrf)


@pytest.fixture(scope="session")
def sign_in() -> Callable[[Story, str], Browser]:
    return _signed_in


@pytest.fixture
def mei(story: Story) -> Browser:
    """An engineer."""
    return _signed_in(story, "mei")


def paths(story: Story) -> dict[str, str]:
    """Every page an engineer can open, by name."""
    live, signing, short = (story.systems[name] for name in ("staff-assistant", "meeting-minutes", "claims-triage"))
    return {
        "board": "/", "systems": "/systems", "intake": "/systems/new", "live": f"/systems/{live}",
        "short": f"/systems/{short}", "facts": f"/systems/{short}/facts", "gates": "/gate",
        "signing": f"/systems/{signing}/gate", "closed": f"/systems/{short}/gate", "enter": f"/systems/{short}/evidence",
        "grade": f"/systems/{short}/grade", "policy": f"/systems/{short}/policy", "file": "/systems/new/file",
        "answers": f"/systems/{short}/parts/{story.parts[0]}",
        "evidences": "/evidence", "evidence": f"/evidence/{story.evidence['attack']}?verify=1", "jobs": "/jobs",
        "job": f"/jobs/{story.runs['running']}", "start": f"/jobs/new?system={short}", "events": "/events",
        "event": "/events/evt_100003", "sessions": "/events/sessions", "session": f"/events/sessions/{live}/{'5e' * 32}",
        "trends": "/events/trends", "lexicons": "/lexicons", "lexicon": "/lexicons/organisation",
        "word": "/lexicons/organisation/word?word=staffcard", "version": "/lexicons/organisation/versions/2",
        "candidates": "/candidates", "candidate": f"/candidates/{story.candidates[0]}",
        "editor": f"/systems/{live}/policy/edit", "approvals": "/approvals", "approval": f"/approvals/{story.held[0]}",
        "watch": f"/systems/{live}/watch",
        "evaluations": f"/systems/{live}/evaluations", "review": f"/evidence/{story.evidence['EV-BENCH']}/review",
        "campaigns": "/campaigns", "campaign-new": f"/campaigns/new?target={story.campaigns['target']}",
        "campaign": f"/campaigns/{story.campaigns['campaign']}", "try": f"/campaigns/tries/{story.campaigns['try-mei']}",
        "find": f"/campaigns/finds/{story.campaigns['find']}", "waiting": f"/campaigns/finds/{story.campaigns['waiting']}",
        "ledger": "/ledger?verify=1", "catalogue": "/catalogue", "pack": "/catalogue/caict-202510",
        "item": "/catalogue/evidence-types/EV-REDTEAM", "account": "/account", "missing": "/nothing",
    }  # fmt: skip


@pytest.fixture(scope="session")
def pages(story: Story) -> dict[str, str]:
    return paths(story)
