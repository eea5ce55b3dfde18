"""Advisories: which of a system's components have known flaws, told offline, with the age of what is known.

The shipped store holds the Python Packaging Advisory Database (CC-BY-4.0) and rules about AI components based on
Tencent Zhuque Lab AI-Infra-Guard (Apache-2.0); see `NOTICE` beside this file.
"""

from jingwei.deploy.advisories.advisory import Advisory
from jingwei.deploy.advisories.check import VulnerabilityScan, VulnerabilityScanOptions
from jingwei.deploy.advisories.cvss import base_score, severity_of
from jingwei.deploy.advisories.held import what_is_known
from jingwei.deploy.advisories.impact import ComponentIndex, Impact, impacted
from jingwei.deploy.advisories.intake import open_store
from jingwei.deploy.advisories.matching import Flaw, Knowledge, Matched, Package, fix_for
from jingwei.deploy.advisories.naming import component_name
from jingwei.deploy.advisories.osv import read_osv
from jingwei.deploy.advisories.packages import package_of
from jingwei.deploy.advisories.store import Store, shipped_store
from jingwei.deploy.advisories.vex import Statement, read_vex, write_cyclonedx_vex, write_openvex

__all__ = [
    "Advisory",
    "ComponentIndex",
    "Flaw",
    "Impact",
    "Knowledge",
    "Matched",
    "Package",
    "Statement",
    "Store",
    "VulnerabilityScan",
    "VulnerabilityScanOptions",
    "base_score",
    "component_name",
    "fix_for",
    "impacted",
    "open_store",
    "package_of",
    "read_osv",
    "read_vex",
    "severity_of",
    "shipped_store",
    "what_is_known",
    "write_cyclonedx_vex",
    "write_openvex",
]
