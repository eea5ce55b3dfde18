"""One labelled text, and how the files of the sets are read, for everything that adds to `injection_data.Rows`."""

import csv
import json
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import yaml

HERE = Path(__file__).parent
OWN = {
    kind: yaml.safe_load((HERE / f"data/injection_{kind}.yaml").read_text(encoding="utf-8"))
    for kind in ("direct", "indirect")
}
LANGUAGES = ("en", "zh")


class Row(NamedTuple):
    """One labelled text."""

    text: str
    label: int
    source: str
    role: str
    part: str
    planted: tuple[int, int] | None = None


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def read_csv(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def leaves(value):
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [leaf for each in inner for leaf in leaves(each)]


def part(text, share=40):
    """Put one text in six aside for calibration, whatever its place in the file."""
    return "dev" if sha256(text.encode()).digest()[0] < share else "train"


def is_chinese(text):
    return sum("\u4e00" <= each <= "\u9fff" for each in text) * 4 > len(text)


def language(text):
    return "zh" if is_chinese(text) else "en"
