"""The AI-BOM: what an AI system is made of, read without running any of it, written and read as standard documents."""

from jingwei.deploy.bom.check import AiBom, AiBomOptions
from jingwei.deploy.bom.collect import collect
from jingwei.deploy.bom.completeness import Completeness, assessed, completeness
from jingwei.deploy.bom.component import Component, package_url
from jingwei.deploy.bom.difference import Change, diff, diff_json
from jingwei.deploy.bom.document import write_bom
from jingwei.deploy.bom.identity import reference
from jingwei.deploy.bom.reading import Unreadable
from jingwei.deploy.bom.reading_documents import components_of, is_bom, parsed, read_bom
from jingwei.deploy.bom.spdx import write_spdx

__all__ = [
    "AiBom",
    "AiBomOptions",
    "Change",
    "Completeness",
    "Component",
    "Unreadable",
    "assessed",
    "collect",
    "completeness",
    "components_of",
    "diff",
    "diff_json",
    "is_bom",
    "package_url",
    "parsed",
    "read_bom",
    "reference",
    "write_bom",
    "write_spdx",
]
