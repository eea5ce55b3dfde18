"""A Python function under test, from the terminal or from Python; never through the platform."""

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import cast

from jingwei.core.errors import InputError
from jingwei.develop.evaluate.exchange import Answer, Ask, Fault
from jingwei.develop.evaluate.reading import writable

_LARGEST = 1024 * 1024
"""Characters of an answer, as of any other subject's."""
Said = str | Answer
Function = Callable[..., Said | Awaitable[Said]]


class FunctionSubject:
    """Calls a function with the last message; with all messages as well where it takes two arguments.

    Args:
        function: plain or async; a plain one is called in a thread.
        timeout_seconds: longest wait for one answer.
    """

    def __init__(self, function: Function, *, timeout_seconds: float = 60) -> None:
        self._function = function
        self._timeout = timeout_seconds
        self._whole = len(inspect.signature(function).parameters) > 1

    async def ask(self, ask: Ask) -> Answer | Fault:
        """Call it; whatever it raises is a fault, named by its kind."""
        if ask.pictured:
            return Fault(reason="pictures-unsupported")
        messages = [{"role": each.role, "content": each.content} for each in ask.messages]
        given = (ask.messages[-1].content, messages) if self._whole else (ask.messages[-1].content,)
        try:
            async with asyncio.timeout(self._timeout):
                said = await self._called(*given)
        except TimeoutError:
            return Fault(reason="timeout")
        except Exception as error:  # noqa: BLE001 - somebody else's code: its failure is the finding
            return Fault(reason=f"raised-{type(error).__name__}")
        if isinstance(said, str):
            said = Answer(text=writable(said[: _LARGEST + 1]))
        if not isinstance(said, Answer):
            return Fault(reason="no-answer")
        return Fault(reason="too-large") if len(said.text) > _LARGEST else said

    async def close(self) -> None:
        """Do nothing."""

    async def _called(self, *given: object) -> Said:
        if inspect.iscoroutinefunction(self._function):
            return await cast("Awaitable[Said]", self._function(*given))
        return cast("Said", await asyncio.to_thread(self._function, *given))


def function_named(name: str, *, folder: Path | None) -> Function:
    """Find a function by `module:function`, in a folder first.

    Raises:
        InputError: it cannot be imported, or is not a function.
    """
    if folder is not None and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        found = resolve_name(name)
    except Exception as error:  # importing runs somebody else's code, which may fail in any way
        raise InputError("develop.evaluate:function-unfound", field="target:function", name=name,
                         problem=f"{type(error).__name__}: {error}") from error  # fmt: skip
    if not callable(found):
        raise InputError("develop.evaluate:function-unfound", field="target:function", name=name,
                         problem=type(found).__name__)  # fmt: skip
    return cast("Function", found)
