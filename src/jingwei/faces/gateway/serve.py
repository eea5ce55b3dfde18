"""Run the gateway on uvicorn, with every convenience off that would let a caller lie about himself."""

import gc

import uvicorn

from jingwei.faces.gateway.app import gateway
from jingwei.faces.gateway.patience import PatientProtocol
from jingwei.faces.gateway.settings import GatewaySettings


def server_config(settings: GatewaySettings, *, host: str, port: int) -> uvicorn.Config:
    """Return the server's configuration.

    Forwarding headers are never believed (`proxy_headers=False`): an assessment token works only for a peer that is on
    this machine. WebSockets are off.
    """
    return uvicorn.Config(
        gateway(settings),
        host=host,
        port=port,
        http=_patient(settings),
        proxy_headers=False,
        server_header=False,
        date_header=False,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=settings.drain_seconds,
    )


def _patient(settings: GatewaySettings) -> type[PatientProtocol]:
    class Patient(PatientProtocol):
        head_seconds = settings.head_seconds

    return Patient


def calm() -> None:
    """Let Python look for circles of garbage less often: what a request leaves behind is gone without that."""
    gc.set_threshold(10_000, 20, 50)


def serve(settings: GatewaySettings, *, host: str = "127.0.0.1", port: int = 8011) -> None:
    """Run the gateway until it is told to stop."""
    calm()
    uvicorn.Server(server_config(settings, host=host, port=port)).run()
