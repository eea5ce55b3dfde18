"""Real services, installed from packages: named, versioned and their login told. Started only where they are installed.

`JINGWEI_SERVICES` names a folder with one virtual environment each, as `benchmarks/scan/services.yaml` calls them.
"""

import os
from pathlib import Path

import pytest
from benchmarks.scan.services import installed, running, services, versions

from jingwei.deploy.fingerprint.scanner import Options, scan

SERVICES = services()
WHERE = os.environ.get("JINGWEI_SERVICES", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WHERE, reason="JINGWEI_SERVICES names no folder of environments"),
]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_real_service_is_named_with_its_version_and_login(name):
    service = SERVICES[name]
    if installed(service, Path(WHERE)) is None:
        pytest.skip(f"{service['environment']} is not among the environments")
    expected = versions(service, Path(WHERE))
    with running(service, Path(WHERE)) as url:
        if url is None:
            pytest.skip(f"{name} does not start on this machine")
        (one,) = scan(url, Options(timeout_seconds=20))
    assert one.facts["component"] in service["component"]
    assert one.facts["auth"] == service["login"]
    assert not expected or one.facts["version"] in expected
    assert int(one.facts["requests"]) <= 40
