"""What the API and the console share on the wire: the status of an error, and headers on every answer."""

from jingwei.faces.web.headers import Headers
from jingwei.faces.web.status import status_of

__all__ = ["Headers", "status_of"]
