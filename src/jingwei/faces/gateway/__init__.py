"""The guard gateway: an OpenAI-compatible proxy that serves no System without a right to it."""

from jingwei.faces.gateway.app import gateway
from jingwei.faces.gateway.serve import serve, server_config
from jingwei.faces.gateway.settings import GatewaySettings

__all__ = ["GatewaySettings", "gateway", "serve", "server_config"]
