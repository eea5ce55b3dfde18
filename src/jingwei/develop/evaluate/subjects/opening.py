"""From a target's description to the subject that is asked."""

from pathlib import Path

from pydantic import SecretStr

from jingwei.core.canonical import digest
from jingwei.develop.evaluate.attempt import Briefing
from jingwei.develop.evaluate.endpoint import Client
from jingwei.develop.evaluate.engine import Party
from jingwei.develop.evaluate.evaluation import SubjectCard
from jingwei.develop.evaluate.exchange import Subject
from jingwei.develop.evaluate.subjects.openai import OpenAiSubject
from jingwei.develop.evaluate.suite import Suite
from jingwei.develop.evaluate.target_file import ApiTarget, AppTarget, FunctionTarget, McpTarget

Target = ApiTarget | AppTarget | FunctionTarget | McpTarget
_DEFAULTS = {"max_tokens": 512, "temperature": 0}


async def open_party(target: Target, client: Client, *, key: SecretStr | None, seed: int,
                     folder: Path | None = None) -> Party:  # noqa: ARG001 # fmt: skip
    """Make a target ready to be asked.

    Args:
        target: its description.
        client: what sends requests.
        key: its key.
        seed: sent to endpoints that draw at random.
        folder: where the description lies, which is where a function is looked for.

    Raises:
        InputError: the function or the program cannot be found.
        Unavailable: the target cannot be reached.
    """
    subject: Subject
    model, locator = "", ""
    match target:
        case ApiTarget(kind="openai"):
            given = {**_DEFAULTS, "seed": seed, **target.parameters}
            endpoint = OpenAiSubject(client, target.url, model=target.model, key=key, parameters=given,
                                     headers=target.headers, limits=target.limits)  # fmt: skip
            subject, model, locator = endpoint, await endpoint.model(), target.url
        case _:
            raise NotImplementedError
    described = target.model_dump(mode="json", include=set(type(target).model_fields) - _MANNERS)
    card = SubjectCard(kind=target.kind, locator=locator, model=model, digest=digest([described, model]))
    return Party(subject, card, target.prices)


_MANNERS = {"key_env", "prices", "timeout_seconds", "retries", "backoff_seconds", "requests_per_minute", "concurrency"}
"""How a target is asked, not what it is."""


def briefing_of(suite: Suite, target: Target, *, seed: int) -> Briefing:
    """Return what a target is told in a suite, and what it must not do."""
    forbidden = target.forbidden_tools
    if forbidden is None:
        forbidden = tuple(tool.name for tool in suite.tools if tool.forbidden) if isinstance(target, ApiTarget) else ()
    return Briefing(suite=suite, seed=seed, template=target.system_prompt, definitions=target.tools,
                    forbidden=forbidden, planted=target.canary, heard=isinstance(target, ApiTarget))  # fmt: skip
