"""Model files: examined without loading, importing or unpickling anything in them."""

from jingwei.deploy.artifacts.check import ModelScan, ModelScanOptions
from jingwei.deploy.artifacts.examination import Limits
from jingwei.deploy.artifacts.scan import Scan, scan_file

__all__ = ["Limits", "ModelScan", "ModelScanOptions", "Scan", "scan_file"]
