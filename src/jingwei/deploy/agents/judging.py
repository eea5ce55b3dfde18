"""One judgement for one thing: all its texts, all their signs, and how its words and its powers agree."""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import prod

from jingwei.core.finding import Severity
from jingwei.deploy.agents.concealed import concealed
from jingwei.deploy.agents.findings import Notes, rules
from jingwei.deploy.agents.things import Spoken, Thing, spelled_out
from jingwei.deploy.agents.tools import parameters_of
from jingwei.deploy.agents.words import Sign, needs_talk, signs_of

SUSPECT = 0.5
CONVICTED = 0.6
"""What all signs of a thing must amount to, to be a finding, and to be a grave one."""
_BELONGS = {
    "skill": frozenset({"first-step", "trigger"}),
    "rules": frozenset({"first-step", "trigger", "displacement"}),
}
"""Signs that say nothing where it is the text's task to instruct."""
_MANUAL = {
    "marker": 0.25,
    "speech": 0.0,
    "every-answer": 0.3,
    "urgency": 0.15,
    "paste-command": 0.55,
    "secret-file": 0.45,
}
"""What some signs weigh in a skill or a rule file, which speak to the model by right."""
_SLIGHT = 0.25
_OPINION = "speech"
"""What the trained model thinks; with nothing beside it but what only lends weight, it must be surer."""
_TOLD, _ORDERED = 0.25, 0.6
"""What is left of a sign's weight in a text about attacks: of one that names it, of one that orders it."""
_ORDERS = frozenset(
    {"secret-moved", "copied-elsewhere", "secrecy", "persistence", "private-data", "conversation", "env-dump"}
)
_OTHERS = "shadowing"
"""The sign about other tools; a tool's own name and parameters are no others."""
_TALK = "verbatim-talk"
_IDENTIFIER = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)+")
_CONCEALED_INSIDE = frozenset({"comment", "comment-read", "unseen-style", "pushed-away", "terminal-code"})


def judge_words(thing: Thing, notes: Notes, *, about_attacks: bool = False) -> float:
    """Judge every text of a thing, note what is found, and return how sure it is that the thing misuses its reader.

    Args:
        thing: the thing.
        notes: takes what is found.
        about_attacks: it is about security, and so names what it warns of: one sign alone says little.
    """
    found: dict[str, tuple[Sign, Spoken]] = {}
    manual = thing.kind in {"skill", "rules"}
    own = frozenset({thing.name, *(name for name, _ in parameters_of(thing.raw))})
    for spoken in thing.spoken:
        _look_behind(spoken, notes, markdown=manual)
        for sign in _signs(spoken):
            weighed = _weighed(sign, thing, own)
            known = found.get(sign.rule)
            if weighed.weight > 0 and (known is None or known[0].weight < weighed.weight):
                found[sign.rule] = (weighed, spoken)
    sure = amount(_told(sign) if about_attacks else sign for sign, _ in found.values())
    faint = all(rule == _OPINION or rules()[rule].severity is Severity.LOW for rule in found)
    if sure >= (CONVICTED if faint else SUSPECT):
        _tell(thing, found, notes, grave=Severity.HIGH if sure >= CONVICTED else Severity.MEDIUM)
    if not thing.whole:
        notes.gap("gap-texts")
    return sure


def _tell(thing: Thing, found: Mapping[str, tuple[Sign, Spoken]], notes: Notes, *, grave: Severity) -> None:
    """Note every sign; those that only lend weight to others stay mild where there is another."""
    alone = all(rules()[rule].severity is Severity.LOW for rule in found)
    for rule, (sign, spoken) in found.items():
        mild = sign.weight < _SLIGHT or (rules()[rule].severity is Severity.LOW and not alone)
        own_line = spoken.text.count("\n", 0, sign.start) + 1 if thing.kind in {"skill", "rules"} else thing.line
        notes.find(rule, _place(thing, spoken), seen=sign.seen, line=own_line,
                   severity=Severity.LOW if mild and not alone else grave)  # fmt: skip


def amount(signs: Iterable[Sign]) -> float:
    """Return what signs amount to together: one minus the product of their doubts."""
    return 1 - prod(1 - sign.weight for sign in signs)


def _signs(spoken: Spoken) -> Sequence[Sign]:
    if spoken.part == "name":
        readings = {spoken.text, spelled_out(spoken.text)}
        return [sign for text in sorted(readings) for sign in signs_of(text) if sign.rule != "speech"]
    return signs_of(spoken.text)


def _introduced(thing: Thing) -> str:
    """Return the name and the description by which a tool introduces itself."""
    return f"{thing.name} {next((each.text for each in thing.spoken if each.where.endswith('description')), '')}"


def _weighed(sign: Sign, thing: Thing, own: frozenset[str]) -> Sign:
    if sign.rule == _OTHERS:
        named = set(_IDENTIFIER.findall(sign.seen))
        if named and named <= own:
            return sign._replace(weight=0.0)
    if sign.rule == _TALK and needs_talk(_introduced(thing), sign.seen):
        return sign._replace(weight=0.0)
    if sign.rule in _BELONGS.get(thing.kind, ()):
        return sign._replace(weight=0.0)
    if thing.kind in {"skill", "rules"} and sign.rule in _MANUAL:
        return sign._replace(weight=min(sign.weight, _MANUAL[sign.rule]))
    return sign


def _look_behind(spoken: Spoken, notes: Notes, *, markdown: bool) -> None:
    """Note what a text hides; a comment, which is no harm by itself, only where it speaks."""
    for hidden in concealed(spoken.text, markdown=markdown):
        signs = signs_of(hidden.inner) if hidden.rule in _CONCEALED_INSIDE else ()
        spoken_inside = amount(signs)
        if hidden.rule == "comment-read":
            if spoken_inside >= SUSPECT:
                notes.find("comment", spoken.where, seen=hidden.inner, severity=Severity.HIGH)
            continue
        if hidden.rule == "pushed-away" and markdown and spoken_inside < SUSPECT:
            continue
        grave = Severity.HIGH if spoken_inside >= SUSPECT else None
        notes.find(hidden.rule, spoken.where, seen=hidden.inner, severity=grave)


def _told(sign: Sign) -> Sign:
    return sign._replace(weight=sign.weight * (_ORDERED if sign.rule in _ORDERS else _TOLD))


def _place(thing: Thing, spoken: Spoken) -> str:
    return f"{thing.path}: {spoken.where}" if spoken.where else thing.path
