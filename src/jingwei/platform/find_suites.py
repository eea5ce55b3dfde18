"""Accepted finds as a suite that `jingwei evaluate FILE` runs, so that what was once found stays tested.

Prompts are the redacted ones: where personal data was, its placeholder stands, and the prompt says so. Mended finds are
in it too, since those are the ones that must not come back.
"""

from functools import lru_cache
from hashlib import sha256

import yaml
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from jingwei.core.canonical import digest
from jingwei.core.errors import InputError
from jingwei.core.finding import Severity
from jingwei.core.identity import Actor
from jingwei.core.interval import wilson
from jingwei.core.store import append_entry
from jingwei.core.store.tables import CampaignFindRow, CampaignTryRow
from jingwei.core.text import text
from jingwei.develop.evaluate.signals import language_of
from jingwei.develop.evaluate.suite import Category, Expectation, Prompt, Suite
from jingwei.develop.evaluate.suite_file import load_suite
from jingwei.develop.evaluate.taxonomy import place_title, views
from jingwei.manage import Campaigns, Desk
from jingwei.manage.campaign_tries import TRIAGE
from jingwei.manage.finds import RISKS
from jingwei.manage.rights import demand_over
from jingwei.manage.rows import system_row

_KNOWN_BY = ("content-31", "should-refuse")
"""Suites that say which risk of the catalogue a class of harm shows."""
_ADVERSARIAL = "TC260-R-3.1.1f"
_LEAKS = frozenset({"owasp-llm:LLM02", "owasp-llm:LLM07"})
"""Classes whose finds are told by what came out, not by help with harm."""
_VIEWS = ("tc260", "owasp-llm", "owasp-asi", "ailuminate")


class FindSuite(BaseModel):
    """A suite as a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    prompts: int
    placeholders: int
    """Prompts in which a placeholder stands for what was redacted."""
    digest: str
    content: str
    """YAML."""


class FindSuites:
    """Writes finds as suites."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def export(self, campaign_id: str, *, actor: Actor) -> FindSuite:
        """Write the accepted finds of a campaign as a suite; that it was taken out is entered in the ledger.

        Raises:
            Refused: the actor may not read what others typed.
            InputError: nothing was accepted.
        """
        campaign = Campaigns(self.desk).campaign(campaign_id)
        demand_over(actor, TRIAGE, system_row(self.desk.session, campaign.system_id))
        row, tried = CampaignFindRow, CampaignTryRow
        query = select(row, tried).join(tried, tried.id == row.try_id).where(row.campaign_id == campaign.id)
        found = self.desk.session.execute(query.where(row.state.in_(RISKS)).order_by(row.created_at, row.id)).all()
        if not found:
            raise InputError("platform:campaign-nothing-accepted", field="campaign")
        pairs = [(each[0], each[1]) for each in found]
        name = f"campaign-{campaign.id.partition('_')[2].lower()}"
        suite = Suite(
            id=name, version="1", licence="internal", source=f"{campaign.id}: {campaign.title}"[:200],
            title=text("platform:campaign-suite-title", title=campaign.title),
            about=text("platform:campaign-suite-about", title=campaign.title),
            limits={"attack_success_rate": _limit(len(pairs))}, categories=_categories(pairs),
        )  # fmt: skip
        content = yaml.safe_dump(suite.model_dump(mode="json", exclude_defaults=True), allow_unicode=True,
                                 sort_keys=False, width=120)  # fmt: skip
        append_entry(self.desk.session, "campaign.export", subject=campaign.id,
                     body={"suite": suite.digest, "prompts": len(pairs)})  # fmt: skip
        return FindSuite(name=f"{name}.yaml", prompts=len(pairs), digest=digest(content), content=content,
                         placeholders=sum(_altered(each) for _, each in pairs))  # fmt: skip


@lru_cache(maxsize=1)
def find_classes() -> tuple[str, ...]:
    """Return the classes of risk that a find may be of, in the order of their frameworks."""
    known = {view.id: view.places for view in views()}
    return tuple(place if ":" in place else f"{name}:{place}" for name in _VIEWS for place in known.get(name, ()))


def _limit(count: int) -> float:
    """Return the bound that a run keeps in which nothing came back, and breaks with the first that did."""
    return round((wilson(0, count).high + wilson(1, count).high) / 2, 4)


def _categories(found: list[tuple[CampaignFindRow, CampaignTryRow]]) -> tuple[Category, ...]:
    classes = dict.fromkeys(find.category for find, _ in found)
    return tuple(_category(each, [pair for pair in found if pair[0].category == each]) for each in classes)


def _category(name: str, found: list[tuple[CampaignFindRow, CampaignTryRow]]) -> Category:
    return Category(
        id=name.replace(":", "-").lower(), title=place_title(name), tags=(name,),
        expectation=Expectation.NO_LEAK if name in _LEAKS else Expectation.REFUSE,
        severity=max((Severity(find.severity) for find, _ in found), key=lambda each: each.rank),
        risk=_risks().get(name, _ADVERSARIAL), prompts=tuple(_prompt(find, tried) for find, tried in found),
    )  # fmt: skip


def _prompt(find: CampaignFindRow, tried: CampaignTryRow) -> Prompt:
    language = language_of(tried.prompt)
    return Prompt(
        id=find.id.lower().replace("_", "-"), zh=tried.prompt if language == "zh" else "",
        en=tried.prompt if language == "en" else "", licence="internal",
        source=f"{find.campaign_id} {find.id}" + (" redacted" if _altered(tried) else ""),
    )  # fmt: skip


def _altered(tried: CampaignTryRow) -> bool:
    return sha256(tried.prompt.encode("utf-8", "surrogatepass")).hexdigest() != tried.prompt_digest


@lru_cache(maxsize=1)
def _risks() -> dict[str, str]:
    """Return which risk of the catalogue each class of harm shows."""
    return {tag: category.risk for name in _KNOWN_BY for category in load_suite(name).categories
            for tag in category.tags}  # fmt: skip
