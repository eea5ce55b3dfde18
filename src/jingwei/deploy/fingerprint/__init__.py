"""Which AI services answer, in which version, and whether they ask for a login: read-only, and only in scope."""

from jingwei.deploy.fingerprint.check import ExposureScan, ExposureScanOptions
from jingwei.deploy.fingerprint.exposure_map import exposure_map
from jingwei.deploy.fingerprint.rule import Rule, strong, weak
from jingwei.deploy.fingerprint.scanner import Options, scan
from jingwei.deploy.fingerprint.scope import Scope, read_scope

__all__ = ["ExposureScan", "ExposureScanOptions", "Options", "Rule", "Scope", "exposure_map", "read_scope", "scan",
           "strong", "weak"]  # fmt: skip
