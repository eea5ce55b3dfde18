"""Model organisms: scripted subjects of a known character, so that a test's power is known before it is believed."""

from jingwei.develop.evaluate.organisms.character import Character, Wording, character, organism_names, read_wording
from jingwei.develop.evaluate.organisms.player import Organism
from jingwei.develop.evaluate.organisms.server import script_server, serve, serving

__all__ = [
    "Character",
    "Organism",
    "Wording",
    "character",
    "organism_names",
    "read_wording",
    "script_server",
    "serve",
    "serving",
]
