"""The terminal: `jingwei …`. Commands import what they need when they run, so that `--help` stays instant."""

from jingwei.faces.cli.root import main

__all__ = ["main"]
