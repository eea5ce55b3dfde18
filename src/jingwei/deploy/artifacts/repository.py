"""A model's folder judged as the one artefact it is: files that name one another, and files that should agree.

Each file was examined for itself before; here is what only shows when two are held side by side: code that a
configuration names and that is not there, an index whose shards are missing, a tokenizer that says other things in
each of its files, a module that takes the place of a library, hooks, links into the system.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jingwei.core.finding import Severity
from jingwei.deploy.artifacts.json_objects import objects, read_json, strings
from jingwei.deploy.artifacts.notes import Notes
from jingwei.deploy.artifacts.python_calls import calls
from jingwei.deploy.artifacts.requirements import known_package
from jingwei.deploy.scanned import Scanned

MOST_NAMES = 200_000
"""Names of files that are held side by side; those of a larger folder are judged one by one only."""
_LARGEST = 32 * 1024 * 1024
_LONGEST_HEADER = 32 * 1024 * 1024
_MOST_SHOWN = 20
_MODEL = re.compile(
    r"\.(safetensors|bin|pt|pth|ckpt|gguf|onnx|keras|h5|pb|tflite|msgpack|joblib|pkl)$|^(config|adapter_config|tokenizer_config)\.json$"
)
_HOOK = re.compile(r"(^|/)\.git/hooks/[^/]+(?<!\.sample)$|(^|/)\.(githooks|husky)/[a-z-]+$")
_GIT = re.compile(
    r"^\s*(hooksPath|fsmonitor|sshCommand|gitProxy|external|textconv|(?:smudge|clean|process))\s*=\s*(\S.*)$|url\s*=\s*(ext::\S+)",
    re.MULTILINE | re.IGNORECASE,
)
_STARTING = frozenset({"sitecustomize", "usercustomize"})


def repository(root: Path, names: Iterable[str]) -> Iterator[Scanned]:
    """Judge a folder whose files were examined.

    Args:
        root: the folder.
        names: its files, relative to it.

    Yields:
        One result for each file that does not fit the others.
    """
    notes = Notes()
    folders: dict[str, set[str]] = defaultdict(set)
    for name in names:
        folder, _, last = name.rpartition("/")
        folders[folder].add(last)
        if _HOOK.search(name):
            notes.find("repository.git-hook", name, name=name)
        _link(root, name, notes)
    for folder, files in folders.items():
        _Folder(root, folder, files, notes).judge()
    by_path: dict[str, list[int]] = defaultdict(list)
    for number, note in enumerate(notes.findings):
        by_path[note.path].append(number)
    for path, numbers in by_path.items():
        yield Scanned(path=path, format="repository", findings=tuple(notes.findings[each].seen() for each in numbers))


def _link(root: Path, name: str, notes: Notes) -> None:
    """A link into the system makes loaders read what is not the model."""
    path = root / name
    if path.is_symlink():
        target = str(path.readlink())
        if calls().sensitive.search(target) or re.match(r"/(etc|proc|sys|dev|root|boot)(/|$)", target):
            notes.find("config.outside-path", name, name=f"{name} → {target}")


class _Folder:
    """One folder of a repository."""

    def __init__(self, root: Path, folder: str, files: set[str], notes: Notes) -> None:
        self.root, self.folder, self.files, self.notes = root / folder, folder, files, notes

    def named(self, name: str) -> str:
        """Return what findings call a file."""
        return f"{self.folder}/{name}" if self.folder else name

    def read(self, name: str) -> Any:  # any JSON; none where there is no such file, or no JSON in it
        """Read a JSON file of the folder."""
        path = self.root / name
        try:
            if name not in self.files or path.stat().st_size > _LARGEST:
                return None
            return read_json(path.read_text(encoding="utf-8", errors="replace"))
        except (OSError, ValueError):
            return None

    def judge(self) -> None:
        """Hold the folder's files side by side."""
        if self.folder.endswith(".git") and "config" in self.files:
            self._git()
        for name in sorted(each for each in self.files if each.endswith(".json"))[:1000]:
            if name in {"tokenizer.json", "vocab.json"}:
                continue
            value = self.read(name) if self._small(name) else None
            if value is not None:
                self._code(name, value)
                if name.endswith(".index.json") and isinstance(value, dict):
                    self._shards(name, value)
        self._tokenizer()
        if any(_MODEL.search(each) for each in self.files):
            self._shadows()

    def _small(self, name: str) -> bool:
        try:
            return (self.root / name).stat().st_size <= _LARGEST // 4
        except OSError:
            return False

    def _git(self) -> None:
        try:
            text = (self.root / "config").read_text(encoding="utf-8", errors="replace")[:65536]
        except OSError:
            return
        for found in _GIT.finditer(text):
            told = f"{found[1]} = {found[2]}" if found[1] else found[3]
            if "git-lfs" not in told:
                self.notes.find("repository.git-hook", self.named("config"), found.start(), name=told)

    def _code(self, name: str, value: object) -> None:
        """Code that is named must be here to be examined."""
        wanted: set[str] = set()
        for node in objects(value):
            named = [*strings(node.get("auto_map")), str(node.get("impl") or "")]
            wanted.update(each for each in named if "--" not in each and "." in each)
        if name == "modules.json" and isinstance(value, list):
            kinds = (str(entry.get("type", "")) for entry in value if isinstance(entry, dict))
            wanted.update(
                kind
                for kind in kinds
                if not kind.startswith(("sentence_transformers.", "torch.nn.")) and "--" not in kind
            )
        for each in sorted(wanted)[:_MOST_SHOWN]:
            module = each.rpartition(".")[0].split(".")
            here = self.root.joinpath(*module[:-1], f"{module[-1]}.py") if all(module) else self.root
            if f"{module[0]}.py" not in self.files and not here.is_file():
                self.notes.find("config.missing-code", self.named(name), name=each)

    def _shards(self, name: str, index: Mapping[str, Any]) -> None:
        """Each tensor of an index lies in the shard that it says."""
        placed = index.get("weight_map")
        if not isinstance(placed, dict):
            return
        by_shard: dict[str, set[str]] = defaultdict(set)
        for tensor, shard in placed.items():
            by_shard[str(shard)].add(str(tensor))
        for shard, tensors in sorted(by_shard.items())[:1000]:
            if "/" in shard or "\\" in shard:
                continue
            if shard not in self.files:
                self.notes.find("repository.missing-shard", self.named(name), name=shard)
                continue
            held = self._tensors(shard)
            missing = sorted(tensors - held) if held else []
            if held and (missing or len(held) > len(tensors)):
                odd = missing[0] if missing else min(held - tensors)
                self.notes.find(
                    "repository.mismatch", self.named(name), severity=Severity.MEDIUM, name=f"{name} / {shard}: {odd}"
                )

    def _tensors(self, name: str) -> set[str]:
        """Return the names of a safetensors file's tensors; none of another file's."""
        if not name.endswith(".safetensors"):
            return set()
        try:
            with (self.root / name).open("rb") as file:
                length = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(length)) if 2 <= length <= _LONGEST_HEADER else {}
        except (OSError, ValueError, RecursionError):
            return set()
        return set(header) - {"__metadata__"} if isinstance(header, dict) else set()

    def _tokenizer(self) -> None:
        """All files of a tokenizer must say the same."""
        whole = self.read("tokenizer.json")
        if not isinstance(whole, dict):
            return
        model = whole.get("model")
        vocabulary = model.get("vocab") if isinstance(model, dict) else None
        if isinstance(vocabulary, dict):
            self._same("vocab.json", vocabulary, self.read("vocab.json"))
            self._listed(vocabulary)
        added = {str(e.get("id")): e.get("content") for e in whole.get("added_tokens") or () if isinstance(e, dict)}
        config = self.read("tokenizer_config.json")
        decoder = config.get("added_tokens_decoder") if isinstance(config, dict) else None
        if isinstance(decoder, dict):
            other = {number: entry.get("content") for number, entry in decoder.items() if isinstance(entry, dict)}
            self._same("tokenizer_config.json", added, other)
        beside = self.read("added_tokens.json")
        if isinstance(beside, dict):
            numbers = {content: int(number) for number, content in added.items() if number.isdecimal()}
            self._same("added_tokens.json", numbers, beside)

    def _same(self, name: str, ours: Mapping[Any, Any], theirs: object) -> None:
        if not isinstance(theirs, dict):
            return
        odd = [key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]]
        for key in sorted(odd, key=str)[:3]:
            told = f"tokenizer.json / {name}: {key} = {ours[key]} / {theirs[key]}"
            self.notes.find("repository.mismatch", self.named("tokenizer.json"), name=told)

    def _listed(self, vocabulary: Mapping[str, Any]) -> None:
        """`vocab.txt` numbers its words by their lines."""
        path = self.root / "vocab.txt"
        if "vocab.txt" not in self.files or not self._small("vocab.txt"):
            return
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return
        theirs = {line.rstrip("\r"): number for number, line in enumerate(lines) if line}
        shared = vocabulary.keys() & theirs.keys()
        odd = [word for word in shared if vocabulary[word] != theirs[word]]
        if odd and len(odd) * 10 < len(shared):
            self._same("vocab.txt", vocabulary, {word: theirs[word] for word in odd})

    def _shadows(self) -> None:
        """A file named like a library is imported in its place."""
        for name in sorted(each for each in self.files if each.endswith((".py", ".so", ".pyd", ".pyc"))):
            module = name.partition(".")[0]
            if module in _STARTING:
                self.notes.find("repository.shadows", self.named(name), name=module)
            elif module in _shadowed():
                self.notes.find("repository.shadows", self.named(name), severity=Severity.MEDIUM, name=module)


@lru_cache(maxsize=1)
def _shadowed() -> frozenset[str]:
    own = {"this", "test", "code", "site", "select", "token", "types", "profile", "statistics", "queue", "calendar"}
    return frozenset(name for name in sys.stdlib_module_names if not name.startswith("_")) - own | known_package()
