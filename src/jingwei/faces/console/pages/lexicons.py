"""Live word lists: search, versions, who added a word and why."""

from collections.abc import Mapping

from fastapi import APIRouter

from jingwei.core.text import text
from jingwei.faces.console.caller import Asked, Asking, Caller, shows
from jingwei.faces.console.pages.systems import account_names
from jingwei.faces.console.views.lexicons import (
    LexiconLine,
    LexiconsView,
    LexiconView,
    SpellLine,
    VersionLine,
    VersionView,
    WordLine,
    WordView,
)  # fmt: skip
from jingwei.faces.console.views.listing import Query
from jingwei.faces.console.views.parts import FRESH, Choice, Form, Label, Link
from jingwei.faces.console.wording import PACKAGE
from jingwei.manage import ORGANISATION, LexiconVersion, may
from jingwei.platform import Work, topic_titles

router = APIRouter()
_PAGE = 50
_VERSIONS = 12
_OTHERS = 20


def topic_name(topic: str) -> Label:
    """Return what a topic is called."""
    return topic_titles().get(topic) or topic or text(f"{PACKAGE}:lexicon.no-topic")


def title_of(work: Work, name: str) -> Label:
    """Return what a list is called: the organisation's, or by its System."""
    if name == ORGANISATION:
        return text(f"{PACKAGE}:lexicon.organisation")
    return text(f"{PACKAGE}:lexicon.of-system", system=work.registry.system(name).name)


def may_edit(work: Work, name: str, caller: Caller) -> bool:
    """Tell whether the visitor may change a list; what a page offers, never what a service allows."""
    domain = "*" if name == ORGANISATION else work.registry.system(name).domain
    return may(caller.actor, "lexicon.edit", domain=domain)


def version_line(version: LexiconVersion, names: Mapping[str, str]) -> VersionLine:
    """Return a version as a line."""
    return VersionLine(number=version.number, added=version.added, removed=version.removed, source=version.source,
                       reason=version.reason, by=names.get(version.actor_id, "—"), at=version.at)  # fmt: skip


def lexicons_view(caller: Asking) -> LexiconsView:
    """List the lists; the organisation's is always there."""
    with caller.reading() as work:
        present = list(dict.fromkeys([ORGANISATION, *work.lexicons.names()]))
        states = [work.lexicons.lexicon(name) for name in present]
        return LexiconsView(
            rows=tuple(
                LexiconLine(name=each.name, title=title_of(work, each.name), words=each.words,
                            version=each.version.number if each.version else 0,
                            at=each.version.at if each.version else None)
                for each in states
            ),
            without=tuple(
                Choice(value=each.id, label=each.name) for each in work.registry.systems() if each.id not in present
            ),
        )  # fmt: skip


def lexicon_view(name: str, caller: Asking, asked: Asked) -> LexiconView:
    """Show one list."""
    with caller.reading() as work:
        return listed_words(work, name, caller, asked=asked, form=FRESH)


def listed_words(work: Work, name: str, caller: Caller, *, asked: Query, form: Form) -> LexiconView:
    """Gather a list with one page of its words."""
    state, title, names = work.lexicons.lexicon(name), title_of(work, name), account_names(work)
    topic = asked.filter("topic")
    # The words without a topic are asked for by a mark that no topic is written with.
    found = work.lexicons.search(name, part=asked.q, topic={"": None, "-": ""}.get(topic, topic),
                                 after=asked.filter("after"), limit=_PAGE + 1)  # fmt: skip
    return LexiconView(
        name=name, title=title, words=state.words, version=state.version.number if state.version else 0,
        topics=tuple((each or "-", topic_name(each), count) for each, count in sorted(state.topics.items())),
        rows=tuple(WordLine(word=each.word, topic=topic_name(each.topic), version=each.number)
                   for each in found[:_PAGE]),
        part=asked.q, topic=topic, older=found[_PAGE - 1].word if len(found) > _PAGE else "",
        earlier=bool(asked.filter("after")), may_edit=may_edit(work, name, caller), form=form,
        versions=tuple(version_line(each, names) for each in work.lexicons.versions(name)[:_VERSIONS]),
        known_topics=tuple(Choice(value=id_, label=said) for id_, said in topic_titles().items()),
    )  # fmt: skip


def version_view(name: str, number: int, caller: Asking, asked: Asked) -> VersionView:
    """Show one version against the one before, or against another that was asked for."""
    given = asked.filter("against")
    first = int(given) if given.isascii() and given.isdigit() and len(given) < 8 else number - 1
    with caller.reading() as work:
        found = work.lexicons.difference(name, first, number)
        versions, names = work.lexicons.versions(name), account_names(work)
        this = next(each for each in versions if each.number == number)
        return VersionView(
            name=name, title=title_of(work, name), version=version_line(this, names), first=first,
            added=tuple((word, topic_name(topic)) for word, topic in found.added_words), added_count=found.added,
            removed=tuple((word, topic_name(topic)) for word, topic in found.removed_words),
            removed_count=found.removed, others=tuple(range(max(0, number - _OTHERS), number)),
            newest=number == len(versions), may_edit=may_edit(work, name, caller),
        )  # fmt: skip


def word_view(name: str, caller: Asking, asked: Asked) -> WordView:
    """Show the history of one word."""
    word = asked.filter("word")
    with caller.reading() as work:
        title, names = title_of(work, name), account_names(work)
        spells = tuple(
            SpellLine(topic=topic_name(each.spell.topic), added=version_line(each.added, names),
                      removed=version_line(each.removed, names) if each.removed else None)
            for each in work.lexicons.blame(name, word)
        )  # fmt: skip
        return WordView(name=name, title=title, word=word, spells=spells, may_edit=may_edit(work, name, caller),
                        back=Link(name=title, url=f"/lexicons/{name}"))  # fmt: skip


router.add_api_route("/lexicons", shows("lexicons.html", lexicons_view))
router.add_api_route("/lexicons/{name}", shows("lexicon.html", lexicon_view))
router.add_api_route("/lexicons/{name}/word", shows("word.html", word_view))
router.add_api_route("/lexicons/{name}/versions/{number}", shows("version.html", version_view))
