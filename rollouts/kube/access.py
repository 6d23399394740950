"""Who we are and where the API server is: kubeconfig or service account, through kubernetes_asyncio.

The library is used for authentication, TLS and the session, and for nothing else. This module opens no connection.
"""

from __future__ import annotations

from pathlib import Path
from urllib.request import getproxies

from aiohttp import ClientSession
from kubernetes_asyncio.client import ApiClient, Configuration
from kubernetes_asyncio.config import ConfigException, load_incluster_config, load_kube_config
from yaml import YAMLError

from rollouts import __version__
from rollouts.errors import Retry, RolloutsError

_TRIPS = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""How the library trips over YAML that is no kubeconfig."""

READ_BUFFER_BYTES = 2**21
"""As the library has it: one event of a watch may be as large as an object may be, 1.5 MiB."""


class AccessUnknown(RolloutsError):
    """There is no usable kubeconfig and no service account: the program was started in the wrong place."""

    retry = Retry.NEVER


async def open_client(*, kubeconfig: Path | None = None, context: str | None = None) -> ApiClient:
    """A client for the cluster of `kubeconfig`, or of the pod we run in if that is None. The caller closes it."""
    configuration = Configuration()
    try:
        if kubeconfig is None:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            await load_kube_config(str(kubeconfig), context, configuration, persist_config=False)
    except (ConfigException, OSError, YAMLError, *_TRIPS) as error:
        place = f"kubeconfig {kubeconfig}" if kubeconfig else "the pod's service account"
        why = error if isinstance(error, ConfigException | OSError) else "it is no kubeconfig"
        raise AccessUnknown(f"no access to a cluster by {place}: {why}") from error
    return _client(configuration)


def nameless(client: ApiClient) -> ApiClient:
    """Another client for the same server that has no account at all: who asks shows a token. The caller closes it."""
    known, configuration = client.configuration, Configuration()
    for name in ("host", "ssl_ca_cert", "verify_ssl", "assert_hostname", "tls_server_name", "proxy", "proxy_headers"):
        if hasattr(known, name):
            setattr(configuration, name, getattr(known, name))
    configuration.api_key, configuration.api_key_prefix = {}, {}
    return _client(configuration)


async def bearer_token(client: ApiClient) -> str:
    """The token that this client shows to the API server, without its scheme; empty where it shows none."""
    shown = await client.configuration.get_api_key_with_prefix("BearerToken")
    scheme, _, token = str(shown or "").partition(" ")
    return token if scheme == "Bearer" else ""


def _client(configuration: Configuration) -> ApiClient:
    """Ours, and with no eye for ~/.netrc.

    The library's session looks into that file before each request, in a thread of its own, and where it names the API
    server, its password would stand beside our token. The variables that name a proxy count as before.
    """
    client = ApiClient(configuration)
    client.user_agent = f"rollouts/{__version__}"
    given = client.rest_client.pool_manager
    proxied = bool(getproxies())
    client.rest_client.pool_manager = ClientSession(
        connector=given.connector, trust_env=proxied, read_bufsize=READ_BUFFER_BYTES
    )
    given.detach()
    return client
