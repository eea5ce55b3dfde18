"""What identifies the gateway in evidence: its code and the data of its detectors."""

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from jingwei.core.configuration import ABSENT
from jingwei.detect.bundle import data_digest


@lru_cache(maxsize=1)
def gateway_version() -> str:
    """Return the version that behavioural evidence is bound to; new rule data is a new version."""
    try:
        package = version("jingwei-ai")
    except PackageNotFoundError:
        package = ABSENT
    return f"{package}+{data_digest()[:12]}"
