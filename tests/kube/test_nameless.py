"""A client without an account: it has the server and its certificate, and nothing of who made it."""

from __future__ import annotations

from kubernetes_asyncio.client import ApiClient, Configuration

from rollouts.kube.access import nameless


async def test_nothing_of_the_account_is_lent() -> None:
    """Neither token nor certificate; where the server is and how it is checked stays the same."""
    known = Configuration(host="https://10.0.0.1:6443")
    known.ssl_ca_cert, known.verify_ssl, known.tls_server_name = None, False, "api"
    known.api_key = {"BearerToken": "Bearer secret"}
    known.cert_file, known.key_file = "/nowhere/cert", "/nowhere/key"
    known.username, known.password = "admin", "secret"
    admin = ApiClient.__new__(ApiClient)
    admin.configuration, admin.default_headers = known, {"User-Agent": "rollouts", "Impersonate-User": "admin"}

    other = nameless(admin)
    try:
        made = other.configuration
        assert (made.host, made.verify_ssl, made.tls_server_name) == (known.host, False, "api")
        assert (made.api_key, made.cert_file, made.key_file) == ({}, None, None)
        assert not await made.auth_settings()
        assert "Impersonate-User" not in other.default_headers
    finally:
        await other.close()
