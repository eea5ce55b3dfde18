"""Finding out what a service is, within a budget of read-only requests.

    start page and control ─► rules whose port or page fits ─► the first path of every other rule ─► the rest of those
    that show ─► version and login of what is named ─► with what is left, the imported rules

What also holds of the control, a path that nobody has, is true of the whole service: it counts once in all, and names
nothing alone. Where unrelated components claim the same answer, it counts for none of them; where more than two
unrelated ones are named, the service says whatever one likes to hear, and nothing is named.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from jingwei.deploy.fingerprint.answer import Answer
from jingwei.deploy.fingerprint.matching import holds, version_in
from jingwei.deploy.fingerprint.rule import MISSING, ROOT, Rule, Wanted, strong, weak
from jingwei.deploy.fingerprint.visit import Visit

NEEDED = 2
_MOST_UNRELATED = 2
_CLOSED = frozenset({400, 401, 403, 503})
_FOR_DETAILS = 10
"""Requests kept for versions and logins."""
_FOR_THE_REST = 5
"""Requests kept for what is asked of every service at the end."""
_SAID_BY_ALL = ("/openapi.json", "/v1/models", "/metrics")
"""Asked of every service: its documentation, its models, its measures."""

OPEN, LOGIN, UNKNOWN = "open", "login", "unknown"


@dataclass(frozen=True, slots=True)
class Component:
    """One component that a service was found to be."""

    rule: Rule
    version: str = ""
    login: str = UNKNOWN
    facts: tuple[str, ...] = ()
    """What it was known by."""
    shown_by: str = ""
    """The request that showed whether a login is asked for."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a service is."""

    components: tuple[Component, ...] = ()
    maybe: tuple[Rule, ...] = ()
    """Only one fact of an imported rule holds."""
    claims: tuple[str, ...] = ()
    """Set where more unrelated components are claimed than one service can be."""


@dataclass(slots=True)
class _Weighed:
    rule: Rule
    held: list[Wanted] = field(default_factory=list)
    wide: list[Wanted] = field(default_factory=list)
    locked: bool = False
    """The control is refused too: a service that asks for a login, or is not ready, says the same everywhere."""

    @property
    def distinctive(self) -> bool:
        return any(not fact.generic for fact in (*self.held, *self.wide))

    @property
    def weight(self) -> int:
        return len({fact.source for fact in self.held}) + bool(self.wide)

    @property
    def named(self) -> bool:
        if self.locked and not self.held:
            return len({fact.source[1] for fact in self.wide if not fact.generic}) >= NEEDED
        return bool(self.held) and self.distinctive and self.weight >= NEEDED

    @property
    def promising(self) -> bool:
        return bool(self.held or self.wide) and self.distinctive


async def identify(visit: Visit) -> Identity:
    """Find out what a service is; the start page must have been asked."""
    rules = strong()
    await visit.ask([ROOT, MISSING])
    port = visit.place.port
    await _ask(visit, (path for rule in rules if port in rule.ports for path in _opening(rule)), keep=_FOR_DETAILS)
    await _ask(visit, _promised(visit, rules), keep=_FOR_DETAILS)
    await _ask(visit, openings(rules), keep=_FOR_DETAILS)
    await _ask(visit, _promised(visit, rules), keep=_FOR_DETAILS // 2)
    named = [each for each in _weighed(visit, rules) if each.named]
    if len(claims := unrelated([each.rule for each in named])) > _MOST_UNRELATED:
        return Identity(claims=tuple(sorted(rule.name for rule in claims)))
    await _ask(visit, (path for each in named for path in _details(each.rule)))
    await visit.ask_again(at.path for each in named for at in each.rule.version)
    named.sort(key=lambda each: -each.weight)
    components = tuple(_component(visit, each) for each in named)
    components = tuple(sorted(components, key=lambda each: (each.rule.carried, not each.version)))
    if components:
        return Identity(components)
    return await _guessed(visit)


def openings(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return the paths that are asked of every service, those that tell of most rules first."""
    wanted = Counter(rule.facts[0].path for rule in rules if rule.blind)
    for path in (ROOT, MISSING):
        wanted.pop(path, None)
    return (*_SAID_BY_ALL, *(path for path, _ in wanted.most_common() if path not in _SAID_BY_ALL))


def unrelated(rules: Sequence[Rule]) -> list[Rule]:
    """Return one rule of each group of those that may be seen on the same service."""
    apart: list[Rule] = []
    for rule in rules:
        if not any(related(rule, other) for other in apart):
            apart.append(rule)
    return apart


def related(one: Rule, other: Rule) -> bool:
    """Tell whether two components may be seen on the same service."""
    return one.id == other.id or one.carried or other.carried or one.id in other.beside or other.id in one.beside


async def _guessed(visit: Visit) -> Identity:
    """Try the imported rules on what was answered, and ask further for those that show."""
    rules = weak()
    await _ask(visit, _promised(visit, rules), keep=_FOR_THE_REST)
    many = Counter(path for rule in rules if not rule.facts[0].generic for path in _paths(rule))
    await _ask(visit, (path for path, _ in many.most_common(9)), keep=_FOR_THE_REST + 2)
    await _ask(visit, _promised(visit, rules), keep=_FOR_THE_REST)
    shown = [each for each in _weighed(visit, rules) if each.promising and each.held]
    if len(unrelated([each.rule for each in shown])) > _MOST_UNRELATED:
        return Identity(claims=tuple(sorted(each.rule.name for each in shown)))
    named = [each for each in shown if each.named or (each.weight and visit.place.port in each.rule.ports)]
    await _ask(visit, (path for each in named for path in _details(each.rule)))
    components = tuple(_component(visit, each) for each in named)
    known = {each.rule.id for each in components}
    return Identity(components, tuple(each.rule for each in shown if each.rule.id not in known))


async def _ask(visit: Visit, paths: Iterable[str], *, keep: int = 0) -> None:
    """Ask paths in order while more than a reserve of the budget is left."""
    for path in dict.fromkeys(paths):
        if visit.left <= keep:
            return
        await visit.ask([path])


def _opening(rule: Rule) -> Iterator[str]:
    """Give the first path of a rule that is neither the start page nor the control."""
    return islice((path for path in _paths(rule) if path not in {ROOT, MISSING}), 1)


def _paths(rule: Rule) -> Iterator[str]:
    return (fact.path for fact in rule.facts)


def _details(rule: Rule) -> Iterator[str]:
    yield from (at.path for at in rule.login)
    yield from (at.path for at in rule.version)
    yield from (fact.path for fact in rule.never)


def _promised(visit: Visit, rules: Sequence[Rule]) -> Iterator[str]:
    """Give what else to ask about those that show: those that show most first."""
    shown = sorted((each for each in _weighed(visit, rules) if each.promising), key=lambda each: -each.weight)
    for each in shown:
        if not each.named:
            yield from _paths(each.rule)


def _weighed(visit: Visit, rules: Sequence[Rule]) -> list[_Weighed]:
    """Weigh every rule by what was answered so far."""
    every = [_weigh(visit, rule) for rule in rules if not any(_here(visit, fact) for fact in rule.never)]
    shared = _contested(every)
    for each in every:
        each.held = [fact for fact in each.held if fact.generic or (fact.source not in shared)]
    return every


def _weigh(visit: Visit, rule: Rule) -> _Weighed:
    control = visit.answers.get(MISSING)
    found = _Weighed(rule, locked=control is not None and control.status in _CLOSED)
    for fact in rule.facts:
        if not _here(visit, fact):
            continue
        if fact.path == MISSING or _everywhere(fact, visit.answers[fact.path], control):
            found.wide.append(fact)
        else:
            found.held.append(fact)
    return found


def _here(visit: Visit, fact: Wanted) -> bool:
    answer = visit.answers.get(fact.path)
    return answer is not None and holds(fact, answer)


def _everywhere(fact: Wanted, answer: Answer, control: Answer | None) -> bool:
    """Tell whether a fact says nothing of its path: the control is the same, or it holds of the control too."""
    if control is None:
        return False
    return (answer.content == control.content and answer.status == control.status) or holds(fact, control)


def _contested(every: Sequence[_Weighed]) -> set[tuple[str, str]]:
    """Return the sources that unrelated components claim with something distinctive."""
    claims: dict[tuple[str, str], list[Rule]] = {}
    for each in every:
        for fact in each.held:
            if not fact.generic:
                claims.setdefault(fact.source, []).append(each.rule)
    return {source for source, rules in claims.items() if len(unrelated(rules)) > 1}


def _component(visit: Visit, found: _Weighed) -> Component:
    rule = found.rule
    told = ((at, visit.answers.get(at.path)) for at in rule.version)
    version = next((said for at, answer in told if answer and (said := version_in(at, answer))), "")
    login, shown_by = _login(visit, rule)
    facts = tuple(sorted({f"{fact.path} {fact.source[1]}" for fact in (*found.held, *found.wide)}))
    return Component(rule, version, login, facts, shown_by)


def _login(visit: Visit, rule: Rule) -> tuple[str, str]:
    control = visit.answers.get(MISSING)
    for at in rule.login:
        answer = visit.answers.get(at.path)
        if answer is None:
            continue
        if holds(at.login, answer):
            return LOGIN, f"GET {at.path} {answer.status}"
        if holds(at.open, answer) and not _everywhere(at.open, answer, control):
            return OPEN, f"GET {at.path} {answer.status}"
    return UNKNOWN, ""
