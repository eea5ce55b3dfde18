"""Static files under addresses that carry their hash, so that a browser may keep them for ever."""

import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Response

_FOREVER = "public, max-age=31536000, immutable"
router = APIRouter()


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file, read once."""

    name: str
    content: bytes
    media_type: str

    @property
    def url(self) -> str:
        """Return the address; another content has another one."""
        return f"/static/{sha256(self.content).hexdigest()[:12]}/{self.name}"


@lru_cache
def assets() -> dict[str, Asset]:
    """Return every static file of the console by name."""
    found = {}
    for file in files("jingwei.faces.console").joinpath("static").iterdir():
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        charset = "; charset=utf-8" if kind.startswith("text/") else ""
        found[file.name] = Asset(name=file.name, content=file.read_bytes(), media_type=kind + charset)
    return found


def asset_url(name: str) -> str:
    """Return the address of a static file.

    Raises:
        KeyError: there is no such file; every page is rendered by a test.
    """
    return assets()[name].url


@router.get("/static/{fingerprint}/{name}")
def static(fingerprint: str, name: str) -> Response:
    """Serve a static file under its present address only."""
    asset = assets().get(name)
    if asset is None or asset.url != f"/static/{fingerprint}/{name}":
        raise HTTPException(404)
    return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": _FOREVER})
