"""Data: what a training or retrieval corpus holds, before a model learns from it."""

from jingwei.develop.data.check import DataScan
from jingwei.develop.data.options import DataScanOptions

__all__ = ["DataScan", "DataScanOptions"]
