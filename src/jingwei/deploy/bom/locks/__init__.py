"""Lock files and lists of requirements: every package with its exact version, or with none where none is pinned."""

from jingwei.deploy.bom.locks.choice import LockReader, lock_reader
from jingwei.deploy.bom.locks.javascript import npm_lock
from jingwei.deploy.bom.locks.requirements import requirements

__all__ = ["LockReader", "lock_reader", "npm_lock", "requirements"]
