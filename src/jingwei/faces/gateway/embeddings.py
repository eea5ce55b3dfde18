"""Embeddings (`/v1/embeddings`): texts are judged before they go to the model, vectors are held to their shape.

No answer could be read instead of a blocked text, so a block is an error here, as OpenAI's clients expect.
"""

import math
import struct
from base64 import b64decode
from typing import cast

from jingwei.core.canonical import Json
from jingwei.deploy.guard import Passage, rewrite
from jingwei.faces.gateway.answers import told
from jingwei.faces.gateway.dialects.reading import Fields, known, listed, mistyped, one_of, wrong
from jingwei.faces.gateway.exchange import Exchange
from jingwei.faces.gateway.heads import plain_counts
from jingwei.faces.gateway.refusal import Code, Refusal
from jingwei.faces.gateway.request import read_object
from jingwei.faces.gateway.upstream import Upstream

MOST_INPUTS = 2048
MOST_DIMENSIONS = 65_536
_FIELDS = {"model": "text", "input": "", "encoding_format": "text", "dimensions": "number", "user": "text"}
_FORMATS = frozenset({"float", "base64"})


async def embedded(raw: bytes, exchange: Exchange, upstream: Upstream) -> Fields:
    """Return the answer to a request for embeddings.

    Raises:
        Refusal: it is malformed, or a text may not go to the model; or the server is down, or answers something else.
    """
    body = known(read_object(raw), _FIELDS)
    texts = _texts(body)
    base64 = one_of(body.get("encoding_format", "float"), _FORMATS, "encoding_format") == "base64"
    passages = [Passage(("input", number), each) for number, each in enumerate(texts)]
    passages += [Passage(("user",), str(body["user"]))] if body.get("user") else []
    verdict = await exchange.access.guard.judged(passages, direction="inbound")
    event_id = exchange.verdict(verdict)
    await exchange.settle()
    if verdict.blocks:
        raise Refusal(Code.CONTENT, told=told(verdict, event_id))
    body = rewrite({**body, "input": cast("Json", texts)}, verdict.rewritten)
    served = exchange.access.served
    body = {**body, "model": served.upstream_model} if served.upstream_model else body
    answer = await upstream.embed(served, body)
    exchange.used.count(answer.get("usage"))
    vectors = _vectors(answer.get("data"), len(texts), base64=base64)
    more: Fields = {"jingwei": cast("Json", told(verdict, event_id))} if verdict.findings else {}
    counts = plain_counts(answer, exchange.access.guard)
    model = body.get("model", "")
    return {"object": "list", "data": vectors, "model": model, "usage": counts.get("usage", {}), **more}


def _texts(body: Fields) -> list[str]:
    given = body.get("input")
    if isinstance(given, str) and given:
        return [given]
    texts = listed(given, "input")
    if len(texts) > MOST_INPUTS:
        raise wrong("input", "range", low=1, high=MOST_INPUTS)
    for number, each in enumerate(texts):
        if not isinstance(each, str) or not each:  # numbers of tokens are text that no guard can read
            raise mistyped(f"input[{number}]", "text")
    return cast("list[str]", texts)


def _vectors(data: Json, count: int, *, base64: bool) -> Json:
    """Return the vectors and nothing else: one for each text, of one length, all of them numbers."""
    if not isinstance(data, list) or len(data) != count:
        raise Refusal(Code.UPSTREAM_GARBAGE)
    found: dict[int, Json] = {}
    sizes: set[int] = set()
    for each in data:
        place = each.get("index") if isinstance(each, dict) else None
        vector = each.get("embedding") if isinstance(each, dict) else None
        size = _size_packed(vector) if base64 else _size(vector)
        if not isinstance(place, int) or not 0 < size <= MOST_DIMENSIONS:
            raise Refusal(Code.UPSTREAM_GARBAGE)
        sizes.add(size)
        found[place] = {"object": "embedding", "index": place, "embedding": vector}
    if len(sizes) != 1 or sorted(found) != list(range(count)):
        raise Refusal(Code.UPSTREAM_GARBAGE)
    return [found[place] for place in range(count)]


def _size(vector: Json) -> int:
    if not isinstance(vector, list) or not all(type(each) in {int, float} for each in vector):
        return 0
    return len(vector) if all(math.isfinite(cast("float", each)) for each in vector) else 0


def _size_packed(vector: Json) -> int:
    try:
        raw = b64decode(vector, validate=True) if isinstance(vector, str) else b""
        numbers = struct.unpack(f"<{len(raw) // 4}f", raw)
    except (ValueError, struct.error):
        return 0
    return len(numbers) if all(map(math.isfinite, numbers)) else 0
