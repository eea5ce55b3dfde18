"""What the API and the console share: who asks, the status of an error, and headers on every answer."""

from jingwei.faces.web.caller import Caller
from jingwei.faces.web.headers import Headers
from jingwei.faces.web.status import status_of

__all__ = ["Caller", "Headers", "status_of"]
