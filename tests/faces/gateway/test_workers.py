"""Several gateway processes behind one address: the one that starts them stops them all."""

import os
import subprocess
import sys

import pytest

STOPPED_WHILE_IT_STARTS = """
import signal, sys
from pathlib import Path
from jingwei.faces.gateway.config import read_config
from jingwei.faces.gateway.settings import GatewaySettings
from jingwei.faces.gateway.standalone import Standalone
from jingwei.faces.gateway.workers import listening, run

class Stopping(GatewaySettings):
    def __reduce__(self):  # asked for while a process is started
        signal.raise_signal(signal.SIGTERM)
        return GatewaySettings.model_validate_json, (self.model_dump_json(),)

told = read_config(Path(sys.argv[1]))
Standalone(told.systems, told.settings.snapshot_path).write()
before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
with listening("127.0.0.1", 0) as listener:
    run(Stopping(**told.settings.model_dump()), listener, workers=2)
assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
"""


@pytest.mark.slow
def test_a_stop_while_the_processes_start_stops_them_too(tmp_path):
    path = tmp_path / "gateway.yaml"
    path.write_text("standalone: true\nupstream: http://127.0.0.1:9/v1\nkeys: [{name: intranet, env: A_KEY}]\n")
    done = subprocess.run([sys.executable, "-c", STOPPED_WHILE_IT_STARTS, path], timeout=60, check=False,
                          env={**os.environ, "A_KEY": "a-key-of-some-length"}, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
