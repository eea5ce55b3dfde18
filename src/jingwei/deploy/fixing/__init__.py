"""Detect, fix, re-scan, on a clock: the smallest change that ends a finding, tried on a copy, applied by a person."""

from jingwei.deploy.fixing.loop import apply, propose
from jingwei.deploy.fixing.queue import Fix, FixState, Queue, median_seconds

__all__ = ["Fix", "FixState", "Queue", "apply", "median_seconds", "propose"]
