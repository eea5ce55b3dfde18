"""Detectors that are built on first need: loading a policy costs nothing until a text is judged."""

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING

from jingwei.core.policy import Category, Policy
from jingwei.core.text import text
from jingwei.detect.hit import Hit
from jingwei.detect.normalize import Folded, Role, fold

if TYPE_CHECKING:
    from jingwei.detect import Bundle, Detector


def built(policy: Policy) -> "Bundle":
    """Compile the detectors of a policy, and use each once: a first request must not time out on what loads late."""
    from jingwei.detect import Bundle, meaning  # noqa: PLC0415 - loads every detector

    meaning.warm()
    bundle = Bundle.build(policy.given_words, allowed_words=policy.allowed_words, canaries=policy.canaries,
                          scope=policy.scope)  # fmt: skip
    warm_up = text("deploy.guard:warm-up")
    for content in (warm_up.zh, warm_up.en):
        bundle.scan(content)
    for opinions in _further(policy):
        bundle = bundle.with_models(opinions)
    return bundle


def _further(policy: Policy) -> Iterator[Mapping[Category, "Detector"]]:
    """Give the scan functions of a policy's local classifiers and of its judge."""
    if policy.classifiers:
        from jingwei.deploy.guard.onnx_classifier import OnnxClassifier  # noqa: PLC0415 - few policies have one

        yield from (OnnxClassifier(each).models() for each in policy.classifiers)
    if policy.judge:
        from jingwei.deploy.guard.judge_server import JudgeServer  # noqa: PLC0415 - few policies have one

        yield JudgeServer(policy.judge).models()


class LazyBundle:
    """The detectors of a policy, built by whoever needs them first; safe to share between threads."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lock = Lock()
        self._bundle: Bundle | None = None

    def ready(self) -> "Bundle":
        """Return the detectors, built now if they are not yet."""
        if self._bundle is None:
            with self._lock:
                if self._bundle is None:
                    self._bundle = built(self._policy)
        return self._bundle

    @property
    def is_ready(self) -> bool:
        """Tell whether they are built."""
        return self._bundle is not None

    @property
    def detectors(self) -> Mapping[Category, Callable[[str | Folded], tuple[Hit, ...]]]:
        """Return one scan function for each category."""
        return self.ready().detectors

    @property
    def models(self) -> Mapping[Category, Callable[[str | Folded], tuple[Hit, ...]]]:
        """Return the models, which need a thread."""
        return self.ready().models

    @property
    def swift(self) -> frozenset[Callable[[str | Folded], tuple[Hit, ...]]]:
        """Return the detectors that may run in an event loop."""
        return self.ready().swift

    @property
    def version(self) -> str:
        """Return the digest of all rule data."""
        return self.ready().version

    def hold_back(self, text: str) -> int:
        """Return how many characters at the end of a stream must wait."""
        return self.ready().hold_back(text)

    @staticmethod
    def read(text: str, *, role: Role = "user") -> Folded:
        """Fold a text once for several detectors."""
        return fold(text, role=role)
