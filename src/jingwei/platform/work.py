"""One unit of work: every service over one session, made when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property

from jingwei.catalog import Catalog
from jingwei.core.identity import Accounts, Actor, ApiKeys, BrowserSessions, Roles
from jingwei.core.settings import Settings
from jingwei.manage import (
    Approvals,
    Campaigns,
    CampaignTargets,
    CampaignTries,
    Candidates,
    Desk,
    Finds,
    Gate,
    Grading,
    Intake,
    Overrides,
    Parts,
    Policies,
    Proof,
    Reassess,
    Registry,
    Tokens,
    Watching,
    shelve,
)  # fmt: skip
from jingwei.platform.evaluations import Evaluations
from jingwei.platform.find_suites import FindSuites, find_classes
from jingwei.platform.guarding import Guarding
from jingwei.platform.knowledge import Knowledge
from jingwei.platform.lexicon_drafts import LexiconDrafts
from jingwei.platform.lexicons import Lexicons
from jingwei.platform.reviews import Reviews
from jingwei.platform.runs import Runs
from jingwei.platform.shadow import Trials
from jingwei.platform.supply import Supply


@dataclass
class Work:
    """What a face is given to do one thing with. The unit of work around it commits; no service does."""

    actor: Actor
    desk: Desk
    settings: Settings

    @property
    def catalog(self) -> Catalog:
        """Return the catalogue."""
        return self.desk.catalog

    def survey(self) -> None:
        """Read what all Systems are judged by at once, before looking at many of them."""
        shelve(self.desk.session)

    @cached_property
    def accounts(self) -> Accounts:
        """People."""
        return Accounts(self.desk.session, signer=self.desk.signer, clock=self.desk.clock)

    @cached_property
    def roles(self) -> Roles:
        """Who holds which role where."""
        return Roles(self.desk.session, clock=self.desk.clock)

    @cached_property
    def keys(self) -> ApiKeys:
        """Keys for programs."""
        return ApiKeys(self.desk.session, clock=self.desk.clock)

    @cached_property
    def browsers(self) -> BrowserSessions:
        """Signed-in browsers."""
        return BrowserSessions(self.desk.session, clock=self.desk.clock)

    @cached_property
    def registry(self) -> Registry:
        """Systems."""
        return Registry(self.desk)

    @cached_property
    def intake(self) -> Intake:
        """Facts."""
        return Intake(self.desk)

    @cached_property
    def parts(self) -> Parts:
        """What Systems are made of, and who answers for it."""
        return Parts(self.desk)

    @cached_property
    def grading(self) -> Grading:
        """Grading decisions."""
        return Grading(self.desk)

    @cached_property
    def overrides(self) -> Overrides:
        """Grades that people changed."""
        return Overrides(self.desk)

    @cached_property
    def proof(self) -> Proof:
        """Evidence."""
        return Proof(self.desk)

    @cached_property
    def policies(self) -> Policies:
        """Guard policies."""
        return Policies(self.desk)

    @cached_property
    def guarding(self) -> Guarding:
        """From a grade to a policy."""
        return Guarding(self.desk)

    @cached_property
    def gate(self) -> Gate:
        """The release gate."""
        return Gate(self.desk)

    @cached_property
    def tokens(self) -> Tokens:
        """Release and assessment tokens."""
        return Tokens(self.desk)

    @cached_property
    def approvals(self) -> Approvals:
        """Tool calls of agents that wait for a person."""
        return Approvals(self.desk)

    @cached_property
    def watching(self) -> Watching:
        """People who watch agents."""
        return Watching(self.desk)

    @cached_property
    def reassess(self) -> Reassess:
        """What must be looked at again."""
        return Reassess(self.desk)

    @cached_property
    def runs(self) -> Runs:
        """Check runs."""
        return Runs(self.desk, settings=self.settings)

    @cached_property
    def lexicons(self) -> Lexicons:
        """Live word lists."""
        return Lexicons(self.desk, settings=self.settings)

    @cached_property
    def lexicon_drafts(self) -> LexiconDrafts:
        """Changes of live word lists."""
        return LexiconDrafts(self.desk, settings=self.settings)

    @cached_property
    def candidates(self) -> Candidates:
        """Candidate policies and the votes on them."""
        return Candidates(self.desk)

    @cached_property
    def trials(self) -> Trials:
        """Candidate policies, tried."""
        return Trials(self.desk)

    @cached_property
    def campaign_targets(self) -> CampaignTargets:
        """What campaigns may attack."""
        return CampaignTargets(self.desk)

    @cached_property
    def campaigns(self) -> Campaigns:
        """Purple-team campaigns."""
        return Campaigns(self.desk)

    @cached_property
    def campaign_tries(self) -> CampaignTries:
        """Prompts that participants tried."""
        return CampaignTries(self.desk)

    @cached_property
    def finds(self) -> Finds:
        """What participants found, and what others made of it."""
        return Finds(self.desk, classes=find_classes())

    @cached_property
    def find_suites(self) -> FindSuites:
        """Finds as suites, so that what was found stays tested."""
        return FindSuites(self.desk)

    @cached_property
    def evaluations(self) -> Evaluations:
        """Evaluations of Systems."""
        return Evaluations(self.desk, settings=self.settings)

    @cached_property
    def reviews(self) -> Reviews:
        """What people decide about attempts of an evaluation."""
        return Reviews(self.desk, settings=self.settings)

    @cached_property
    def supply(self) -> Supply:
        """The supply chain: scans in the evidence, and fixes."""
        return Supply(self.desk, settings=self.settings)

    @cached_property
    def knowledge(self) -> Knowledge:
        """Knowledge bases."""
        return Knowledge(self.desk, settings=self.settings)
