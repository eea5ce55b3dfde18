"""Which language a page speaks: the one asked for, else the one remembered, else the one the browser prefers."""

from fastapi import Request, Response

from jingwei.core.text import LANGUAGES, Language

COOKIE = "jingwei_language"
_YEAR_SECONDS = 365 * 24 * 3600


def asked(request: Request) -> Language | None:
    """Return the language the address asks for with `?lang=`."""
    return _known(request.query_params.get("lang", ""))


def chosen(request: Request) -> Language:
    """Return the language to answer in."""
    return asked(request) or _known(request.cookies.get(COOKIE, "")) or _preferred(request)


def remember(request: Request, response: Response) -> None:
    """Keep an asked-for language for the next pages."""
    language = asked(request)
    if language:
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, language, max_age=_YEAR_SECONDS, httponly=True, samesite="lax", secure=secure)


def _known(tag: str) -> Language | None:
    head = tag.strip().lower().split("-")[0]
    return next((language for language in LANGUAGES if language == head), None)


def _preferred(request: Request) -> Language:
    weighted = []
    for order, part in enumerate(request.headers.get("accept-language", "")[:500].split(",")):
        tag, _, quality = part.partition(";q=")
        language = _known(tag)
        if language:
            weighted.append((-_weight(quality), order, language))
    return min(weighted)[2] if weighted else "zh"


def _weight(quality: str) -> float:
    try:
        return float(quality or "1")
    except ValueError:
        return 0.0
