"""An agent at work in a sector: a task, tools over a state, and, where a case says so, what an attacker wrote there."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.environments import attacked, sector
from jingwei.develop.evaluate.exchange import Call, Message, Transcript
from jingwei.develop.evaluate.strategies import Talk
from jingwei.develop.evaluate.strategies.framings import speak
from jingwei.develop.evaluate.strategies.tool_loop import work


class AgentFacts(BaseModel):
    """Which task in which sector, and what an attacker wants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sector: str
    task: str
    injection: str = ""
    carrier: str = "important"


class AtWork:
    """Lets the subject work with the sector's tools, called natively or in words, within bounded steps."""

    id: ClassVar[str] = "agent"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Work until there is an answer, a fault, or no step left."""
        facts = AgentFacts.model_validate(dict(attempt.case.facts))
        language, here = attempt.case.language, sector(facts.sector)
        before = here.worlds[language]
        if facts.injection:
            goal, task = here.injections[facts.injection], here.tasks[facts.task]
            before = attacked(here, task, goal, language=language, carrier=facts.carrier)
        state = before

        def act(call: Call) -> str:
            nonlocal state
            state, result = here.act(state, call)
            return result

        told = "\n\n".join(filter(None, (talk.system_prompt, speak(language) + here.listed(language))))
        request = attempt.message if talk.system_prompt else f"{told}\n\n{attempt.message}"
        opening = [Message(role="system", content=told)] if talk.system_prompt else []
        done = await work(talk, (*opening, Message(role="user", content=request)),
                          tools=here.definitions(language), act=act, session=attempt.id)  # fmt: skip
        kept = {"before": before.model_dump(mode="json"), "after": state.model_dump(mode="json"), "ended": done.ended}
        return Transcript(exchanges=done.exchanges, state=kept)
