"""Model organisms: scripted subjects of a known character, so that a test's power is known before it is believed."""

from jingwei.develop.evaluate.organisms.character import Character, Wording, character, organism_names, read_wording
from jingwei.develop.evaluate.organisms.player import Organism
from jingwei.develop.evaluate.organisms.server import serve

__all__ = ["Character", "Organism", "Wording", "character", "organism_names", "read_wording", "serve"]
