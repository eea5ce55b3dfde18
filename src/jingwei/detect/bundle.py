"""The bundle: every detector, compiled once, for the three places that need them.

The same bundle judges a training corpus, a red-team answer and a live message. A caller that wants all categories
calls `scan`; a guard that times each detector folds once with `read` and calls `detectors[category]`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType

from jingwei.core.canonical import digest
from jingwei.core.policy import Category, Scope
from jingwei.core.text import Both, text
from jingwei.detect import emotion, harm, intent, pattern_detector, signs
from jingwei.detect.grounding import ABSENT_RULE, CONTRADICTED_RULE
from jingwei.detect.hit import Hit
from jingwei.detect.hold import Hold
from jingwei.detect.injection import CANARY_RULE, ENCODED_RULE, HIDDEN_RULE, MODEL_RULE, InjectionDetector
from jingwei.detect.injection import opinion as injection_opinion
from jingwei.detect.injection import signs as injection_signs
from jingwei.detect.lexicon import Given, Lexicon
from jingwei.detect.normalize import Folded, Role, fold
from jingwei.detect.topic import OUTSIDE_RULE, TopicDetector
from jingwei.detect.topics import classes, topics

Detector = Callable[[str | Folded], tuple[Hit, ...]]


OPINIONS = harm.MODEL_RULES | {MODEL_RULE}
"""Rules that are a model's opinion of a whole text, not a sign at a place in it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """All detectors with one organisation's words; immutable and safe to share between threads."""

    detectors: Mapping[Category, Detector]
    """One scan function a category, to be timed and to fail on its own: words, patterns, rules."""
    version: str
    """Digest of all rule data, the model's weights, words and canaries: the same version finds the same things."""
    lexicon_version: str
    """Digest of the words and the whitelist alone."""
    hold: Hold
    rest: str
    """Digest of all but the words."""
    models: Mapping[Category, Detector] = field(default_factory=lambda: MappingProxyType({}))
    """What takes milliseconds, and so a thread: a trained model's opinion of a whole text, beside the rules."""
    swift: frozenset[Detector] = frozenset()
    """Those of `detectors` that are our own, bounded and linear in the text, so that an event loop may run them."""

    @classmethod
    def build(cls, words: Iterable[Given] = (), *, allowed_words: Iterable[str] = (),
              canaries: Iterable[str] = (), scope: Scope | None = None) -> "Bundle":  # fmt: skip
        """Compile a bundle.

        Args:
            words: keywords that an organisation adds; each may come with a topic: `(word, "a1-b")`.
            allowed_words: phrases in which no keyword is flagged.
            canaries: markers planted in a prompt; seen in an answer, the prompt is leaking.
            scope: what the System is there for; without one no request lies outside.

        Raises:
            InputError: a word is empty or too long, or a topic is not written like an id.
        """
        canaries = sorted(set(canaries))
        lexicon = Lexicon(words, allowed=allowed_words)
        injection = InjectionDetector(canaries)
        detectors: dict[Category, Detector] = {
            Category.KEYWORD: lexicon.scan,
            Category.PII: pattern_detector.pii().scan,
            Category.SECRET: pattern_detector.secrets().scan,
            Category.INJECTION: injection.rules,
            Category.HARM: harm.rules,
            Category.EMOTION: emotion.rules,
        }
        models: dict[Category, Detector] = {
            Category.INJECTION: injection_opinion,
            Category.HARM: harm.opinion,
            Category.EMOTION: emotion.opinion,
        }
        if scope:
            models[Category.TOPIC] = TopicDetector(scope).scan
        rest = digest({"data": data_digest(), "canaries": canaries, "scope": scope and scope.model_dump(mode="json")})
        swift = frozenset(detectors.values())
        hold = Hold(lexicon.held, injection.canaries)
        return cls(MappingProxyType(detectors), _version(rest, lexicon), lexicon.version, hold, rest,
                   MappingProxyType(models), swift)  # fmt: skip

    @staticmethod
    def read(text: str, *, role: Role = "user") -> Folded:
        """Fold a text once, for several detectors."""
        return fold(text, role=role)

    def with_lexicon(self, lexicon: Lexicon) -> "Bundle":
        """Return a bundle with other words and the same detectors; takes microseconds, so a gateway swaps by reference.

        A stream that began with the old bundle ends with it.
        """
        detectors = MappingProxyType({**self.detectors, Category.KEYWORD: lexicon.scan})
        swift = self.swift - {self.detectors[Category.KEYWORD]} | {lexicon.scan}
        hold = Hold(lexicon.held, self.hold.markers)
        return replace(self, detectors=detectors, version=_version(self.rest, lexicon), swift=swift, hold=hold,
                       lexicon_version=lexicon.version)  # fmt: skip

    def with_models(self, further: Mapping[Category, Detector]) -> "Bundle":
        """Return a bundle that also asks these; what any of them finds is found."""
        models = {**self.models, **{category: _both(self.models.get(category), more)
                                    for category, more in further.items()}}  # fmt: skip
        return replace(self, models=MappingProxyType(models))

    def scan(self, text: str | Folded, categories: frozenset[Category] | None = None) -> tuple[Hit, ...]:
        """Find everything, or only some categories, in the order of the text."""
        folded = fold(text)
        hits = [hit for part in (self.detectors, self.models) for category, detect in part.items()
                if categories is None or category in categories for hit in detect(folded)]  # fmt: skip
        return tuple(sorted(hits))

    @property
    def longest_word(self) -> int:
        """Return the length of the longest keyword or canary, folded."""
        return self.hold.longest_word

    def hold_back(self, text: str) -> int:
        """Return how many characters at the end of a stream's text may be the start of a keyword, PII or secret.

        A stream keeps these until more has come, and acts on a hit as soon as it starts before them:

            buffer += chunk                                  # `buffer` keeps some released text on its left
            safe = len(buffer) - bundle.hold_back(buffer)
            act on every hit of bundle.scan(buffer) with hit.start < safe, else release buffer[:safe]

        At the end of the stream everything left is scanned and released or not. Signs of injection and harm span
        sentences and are not waited for.
        """
        return self.hold.back(text)


def _version(rest: str, lexicon: Lexicon) -> str:
    return digest({"rest": rest, "lexicon": lexicon.version})


def _both(first: Detector | None, second: Detector) -> Detector:
    if first is None:
        return second
    return lambda text: (*first(text), *second(text))


@lru_cache(maxsize=1)
def data_digest() -> str:
    """Return the digest of all rule data of this release, the model's weights included."""
    hashes: dict[str, str] = {}
    folder = files("jingwei.detect")
    for source in [*folder.iterdir(), *folder.joinpath("words").iterdir(), *folder.joinpath("readings").iterdir()]:
        if source.name.endswith((".yaml", ".npz", ".txt")):
            hashes[source.name] = sha256(source.read_bytes()).hexdigest()
    return digest(hashes)


@lru_cache(maxsize=1)
def titles() -> Mapping[str, Both]:
    """Return the name of every rule by its id, in both languages."""
    rules = [*pattern_detector.pii().rules, *pattern_detector.secrets().rules, *injection_signs().rules,
             *signs.harm().rules]  # fmt: skip
    named = {rule.id: rule.shown for rule in rules} | {topic.id: topic.title for topic in topics()}
    named |= classes()
    own = {"keyword.own": text("detect:own-word"), CANARY_RULE: text("detect:canary-leak"),
           HIDDEN_RULE: text("detect:hidden-text"), ENCODED_RULE: text("detect:encoded-payload"),
           OUTSIDE_RULE: text("detect:topic-outside"), ABSENT_RULE: text("detect:grounding-absent"),
           CONTRADICTED_RULE: text("detect:grounding-contradicted"),
           **{f"emotion.{kind}": text(f"detect:emotion-{kind}") for kind in emotion.KINDS},
           **{f"harm.{name}": text(f"detect:harm-{name}") for name in ("model", *intent.HARMFUL)},
           MODEL_RULE: text("detect:injection-model")}  # fmt: skip
    return MappingProxyType(named | own)
