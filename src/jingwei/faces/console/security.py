"""What every answer of the console tells the browser to refuse, and the proof that a form is ours."""

import secrets
from collections.abc import Mapping

from jingwei.core.errors import Refused

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def demand_same_form(sent: str, expected: str) -> None:
    """Check that a form carries the secret its page was given.

    Raises:
        Refused: it does not; the page is old, or another site sent the form.
    """
    if not expected or not secrets.compare_digest(sent.encode(), expected.encode()):
        raise Refused("faces.console:error.form-stale")


def demand_same_site(fetch_site: str) -> None:
    """Check what the browser says about where a request comes from; old browsers say nothing.

    Raises:
        Refused: another site sent it.
    """
    if fetch_site not in ("", "same-origin", "none"):
        raise Refused("faces.console:error.form-stale")
