"""Model files: examined without loading, importing or unpickling anything in them."""

from jingwei.deploy.artifacts.anatomy import Step, trace
from jingwei.deploy.artifacts.check import ModelScan, ModelScanOptions
from jingwei.deploy.artifacts.examination import Limits
from jingwei.deploy.artifacts.gguf import describe_gguf
from jingwei.deploy.artifacts.scan import scan_file
from jingwei.deploy.artifacts.source import FileSource

__all__ = ["FileSource", "Limits", "ModelScan", "ModelScanOptions", "Step", "describe_gguf", "scan_file", "trace"]
