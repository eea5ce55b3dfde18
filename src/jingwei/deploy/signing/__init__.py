"""Signing: models signed and verified file by file, where they come from, and the way back to the last good one.

Blue Book 四(三) 框架安全: integrity from training to serving; energy sector: integrity and rollback.
"""

from jingwei.deploy.signing.check import ModelSignature, RollbackDrill
from jingwei.deploy.signing.keys import new_key
from jingwei.deploy.signing.provenance import Provenance, sign_provenance, verify_provenance
from jingwei.deploy.signing.releases import Release, Releases, read_releases, write_releases
from jingwei.deploy.signing.rollback import RolledBack, roll_back, switch_to
from jingwei.deploy.signing.signature import (
    Difference,
    Examination,
    demand_signed,
    examine,
    sign,
    sign_with_certificate,
    verify,
)

__all__ = [
    "Difference",
    "Examination",
    "ModelSignature",
    "Provenance",
    "Release",
    "Releases",
    "RollbackDrill",
    "RolledBack",
    "demand_signed",
    "examine",
    "new_key",
    "read_releases",
    "roll_back",
    "sign",
    "sign_provenance",
    "sign_with_certificate",
    "switch_to",
    "verify",
    "verify_provenance",
    "write_releases",
]
