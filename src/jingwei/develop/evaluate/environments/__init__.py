"""Environments: five sectors whose state is a value, with tools, tasks and what an attacker may want of them."""

from jingwei.develop.evaluate.environments.sector import (
    SECTORS,
    Goal,
    Sector,
    Task,
    attacked,
    carrier_names,
    sector,
    succeeded,
    useful,
)
from jingwei.develop.evaluate.environments.world import Tool, World, WrongCallError, changes

__all__ = [
    "SECTORS",
    "Goal",
    "Sector",
    "Task",
    "Tool",
    "World",
    "WrongCallError",
    "attacked",
    "carrier_names",
    "changes",
    "sector",
    "succeeded",
    "useful",
]
