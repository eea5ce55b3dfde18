"""From a target's description to the subject that is asked."""

from pathlib import Path
from typing import assert_never

from pydantic import JsonValue, SecretStr

from jingwei.core.canonical import digest
from jingwei.develop.evaluate.attempt import Briefing
from jingwei.develop.evaluate.endpoint import Client, place_of
from jingwei.develop.evaluate.engine import Party
from jingwei.develop.evaluate.evaluation import SubjectCard
from jingwei.develop.evaluate.exchange import Subject
from jingwei.develop.evaluate.subjects.anthropic import AnthropicSubject
from jingwei.develop.evaluate.subjects.app import AppSubject
from jingwei.develop.evaluate.subjects.function import FunctionSubject, function_named
from jingwei.develop.evaluate.subjects.mcp import McpSubject
from jingwei.develop.evaluate.subjects.openai import OpenAiSubject
from jingwei.develop.evaluate.suite import Suite
from jingwei.develop.evaluate.target_file import ApiTarget, AppTarget, FunctionTarget, McpTarget

Target = ApiTarget | AppTarget | FunctionTarget | McpTarget
_DEFAULTS: dict[str, JsonValue] = {"max_tokens": 512, "temperature": 0}


async def open_party(target: Target, client: Client, *, key: SecretStr | None, seed: int,
                     folder: Path | None = None) -> Party:  # fmt: skip
    """Make a target ready to be asked.

    Args:
        target: its description.
        client: what sends requests.
        key: its key.
        seed: sent to endpoints that draw at random.
        folder: where the description lies, which is where a function is looked for.

    Raises:
        InputError: the function or the tool cannot be found.
        Unavailable: the target cannot be reached.
    """
    model = ""
    match target:
        case ApiTarget():
            subject: Subject = _api(target, client, key=key, seed=seed)
            model = await subject.model() if isinstance(subject, OpenAiSubject | AnthropicSubject) else ""
            locator = target.file if target.file_sha256 else place_of(target.url)
        case AppTarget():
            subject, locator = AppSubject(client, target, key=key), place_of(target.url)
        case FunctionTarget():
            function = function_named(target.function, folder=folder)
            subject, locator = FunctionSubject(function, timeout_seconds=target.timeout_seconds), target.function
        case McpTarget():
            agent = McpSubject(target, key=key)
            await agent.open()
            subject, locator = agent, place_of(target.url) or target.command[0]
        case _:
            assert_never(target)
    what = target.model_dump(mode="json", exclude=_MANNERS | _left_out(target))
    card = SubjectCard(kind=target.kind, locator=locator, model=model, digest=digest([what, model]))
    return Party(subject, card, target.prices, key=key.get_secret_value() if key else "")


def _api(target: ApiTarget, client: Client, *, key: SecretStr | None, seed: int) -> Subject:
    if target.kind == "openai":
        given = {**_DEFAULTS, "seed": seed, **target.parameters}
        return OpenAiSubject(client, target.url, model=target.model, key=key, parameters=given,
                             headers=target.headers, limits=target.limits)  # fmt: skip
    return AnthropicSubject(client, target.url, model=target.model, key=key, headers=target.headers,
                            parameters={**_DEFAULTS, **target.parameters}, limits=target.limits)  # fmt: skip


def _left_out(target: Target) -> set[str]:
    """Name what of a target's place says nothing of what it is: where a file is served here, its address and name."""
    if not isinstance(target, ApiTarget):
        return set()
    return {"url", "file"} if target.file_sha256 else {"file", "file_sha256"}


_MANNERS = {"key_env", "prices", "timeout_seconds", "retries", "backoff_seconds", "requests_per_minute", "concurrency"}
"""How a target is asked, not what it is."""


def briefing_of(suite: Suite, target: Target, *, seed: int) -> Briefing:
    """Return what a target is told in a suite, and what it must not do."""
    forbidden = target.forbidden_tools
    if forbidden is None:
        forbidden = tuple(tool.name for tool in suite.tools if tool.forbidden) if isinstance(target, ApiTarget) else ()
    return Briefing(suite=suite, seed=seed, template=target.system_prompt, definitions=target.tools,
                    forbidden=forbidden, planted=target.canary, heard=isinstance(target, ApiTarget))  # fmt: skip
