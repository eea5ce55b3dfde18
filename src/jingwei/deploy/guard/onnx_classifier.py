"""A text classifier in ONNX form, from the gateway's own disk: any that was trained elsewhere and exported.

Its folder holds `model.onnx`, whose SHA-256 the policy names, and `tokenizer.json`; nothing in it is executed but the
graph's own operators, and a graph that asks for custom ones does not load. One thread: the machine has other work.
Needs the extra `onnx`.
"""

from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path
from threading import Lock
from typing import Any

from jingwei.core.errors import InputError, Unavailable
from jingwei.core.finding import Severity
from jingwei.core.policy import Category, LocalClassifier
from jingwei.detect import Detector, Folded, Hit, fold

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class OnnxClassifier:
    """One classifier, loaded on first need; safe to share between threads."""

    def __init__(self, settings: LocalClassifier) -> None:
        self._settings = settings
        try:
            self._categories = tuple(Category(label) if label else None for label in settings.labels)
        except ValueError as error:
            raise InputError("deploy.guard:classifier-label", field="classifiers.labels",
                             labels=", ".join(settings.labels)) from error  # fmt: skip
        self._lock = Lock()
        self._loaded: tuple[Any, Any] | None = None  # Any: a session and a tokenizer of libraries that are loaded late

    def models(self) -> Mapping[Category, Detector]:
        """Return one scan function for each category that a label stands for."""
        return {category: self._looking_for(category) for category in dict.fromkeys(self._categories) if category}

    def scores(self, folded: Folded) -> Mapping[Category, float]:
        """Classify a text once and remember the outcome with it; labels of one category add up.

        Raises:
            Unavailable: the extra is not installed, or the files are not what the policy names.
        """
        key = f"onnx {self._settings.sha256}"
        kept: dict[Category, float] | None = folded.shared.get(key)
        if kept is None:
            kept = {}
            for category, chance in zip(self._categories, self._chances(folded.original), strict=False):
                if category:
                    kept[category] = min(1.0, kept.get(category, 0.0) + chance)
            folded.shared[key] = kept
        return kept

    def _looking_for(self, category: Category) -> Detector:
        def scan(given: str | Folded) -> tuple[Hit, ...]:
            folded = fold(given)
            score = self.scores(folded)[category] if folded.original else 0.0
            if score < 0.5:
                return ()
            return (Hit(0, len(folded.original), category, f"{category}.classifier", round(score, 4), Severity.HIGH),)

        return scan

    def _chances(self, given: str) -> list[float]:
        import numpy as np  # noqa: PLC0415 - with the runtime, on first need

        session, tokenizer = self._ready()
        coded = tokenizer.encode(given)
        rows = dict(zip(_INPUTS, (coded.ids, coded.attention_mask, coded.type_ids), strict=True))
        wanted = {each.name for each in session.get_inputs()}
        fed = {name: np.asarray([row], dtype=np.int64) for name, row in rows.items() if name in wanted}
        scores = np.asarray(session.run(None, fed)[0], dtype=np.float64)[0]
        if scores.shape[-1] != len(self._categories):
            raise Unavailable("deploy.guard:classifier-outputs", wanted=len(self._categories), given=scores.shape[-1])
        chances = np.exp(scores - scores.max())
        return [float(each) for each in chances / chances.sum()]

    def _ready(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> tuple[Any, Any]:
        try:
            import onnxruntime  # noqa: PLC0415 - an extra
            import tokenizers  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise Unavailable("deploy.guard:classifier-extra") from error
        folder = Path(self._settings.folder)
        try:
            with (folder / "model.onnx").open("rb") as file:
                found = file_digest(file, "sha256").hexdigest()
            tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the tokenizers library raises bare Exception for a broken file
            raise Unavailable("deploy.guard:classifier-unreadable", folder=folder.name) from error
        if found != self._settings.sha256:
            raise Unavailable("deploy.guard:classifier-other", folder=folder.name)
        tokenizer.enable_truncation(self._settings.most_tokens)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        return session, tokenizer
