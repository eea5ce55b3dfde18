"""The parts that attacks are tried on: the gate's world, an installation behind its API, a running gateway, a console."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "faces" / "console"))

from tests.faces.api.conftest import fresh, here, original
from tests.faces.console.conftest import book, own_story, sign_in, story
from tests.faces.gateway.conftest import caller, house, open_house, trial
from tests.manage.conftest import world, world_template

__all__ = [
    "book", "caller", "fresh", "here", "house", "open_house", "original", "own_story", "sign_in", "story", "trial",
    "world", "world_template",
]  # fmt: skip
