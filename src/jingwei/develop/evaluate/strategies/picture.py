"""A picture with the text in it, and a few words beside it.

A case with a document has the document drawn and its prompt said; one without has its message drawn and the words said
that the suite's options give for its category: `words: {CATEGORY: {zh: …, en: …}}`, and `styles: {CATEGORY: faint}`.
"""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from jingwei.core.text import Both
from jingwei.develop.evaluate.attempt import Attempt
from jingwei.develop.evaluate.exchange import Ask, Exchange, Fault, Image, Message, Transcript
from jingwei.develop.evaluate.images import picture, undrawable
from jingwei.develop.evaluate.strategies import Talk


class PictureOptions(BaseModel):
    """What the suite says about its pictures."""

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    words: dict[str, Both] = Field(default_factory=dict)
    styles: dict[str, Literal["plain", "faint", "noise"]] = Field(default_factory=dict)


class Picture:
    """Shows the attempt's text as a picture and takes what comes."""

    id: ClassVar[str] = "picture"

    async def converse(self, attempt: Attempt, talk: Talk) -> Transcript:
        """Draw and ask once; a text that cannot be drawn is a fault and never sent."""
        options = PictureOptions.model_validate(dict(talk.options))
        case = attempt.case
        drawn = case.document or attempt.message
        words = options.words.get(case.category)
        said = case.prompt if case.document else words.of(case.language) if words else ""
        told = (Message(role="system", content=talk.system_prompt),) if talk.system_prompt else ()
        if undrawable(drawn):
            ask = Ask(messages=(*told, Message(role="user", content=said)), session=attempt.id)
            return Transcript(exchanges=(Exchange(ask=ask, fault=Fault(reason="picture-undrawable")),))
        style = options.styles.get(case.category, "plain")
        image = Image(content=picture(drawn, style=style, seed=int(attempt.id[:8] or "0", 16)))
        ask = Ask(messages=(*told, Message(role="user", content=said, images=(image,))), session=attempt.id)
        return Transcript(exchanges=(await talk.ask(ask),))
