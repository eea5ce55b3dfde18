"""Configuration of what an AI system runs on: containers, clusters, proxies, services, images, cloud policies."""

from jingwei.deploy.config.check import ConfigScan, ConfigScanOptions, ImageScan, ImageScanOptions

__all__ = ["ConfigScan", "ConfigScanOptions", "ImageScan", "ImageScanOptions"]
