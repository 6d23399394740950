"""From a provider and what is in its Secrets to an Access, purely.

Refusals name Secrets and keys, never what is in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from rollouts.api.provider import Provider
from rollouts.errors import SpecInvalid
from rollouts.metrics.access import AUTHORIZATION, Access, Credentials

Data = Mapping[str, bytes]
USED_KEYS = ("token", "username", "password", "ca.crt", "tls.crt", "tls.key")
_HEADER_VALUE = re.compile(r"[ -~]+")


def access_of(provider: Provider, secrets: Mapping[str, Data]) -> Access:
    """How the provider's place is got at; `secrets` has what is in its Secrets, by name. Raises SpecInvalid."""
    name = provider.secret_ref.name if provider.secret_ref is not None else ""
    credentials = read_credentials(name, _found(name, secrets)) if name else Credentials()
    headers = tuple(sorted(_headers(provider, secrets)))
    if credentials.headers() and any(header.lower() == AUTHORIZATION.lower() for header, _ in headers):
        raise SpecInvalid(f"Authorization stands in the headers and is made from Secret {name}: take one away")
    return Access(
        type=provider.type,
        address=_address(provider.address or ""),
        headers=headers,
        credentials=credentials,
        insecure_skip_verify=provider.insecure_skip_verify,
    )


def read_credentials(secret: str, data: Data) -> Credentials:
    """What a Secret proves. Raises SpecInvalid."""
    if not any(data.get(key) for key in USED_KEYS):
        raise SpecInvalid(f"Secret {secret} has none of the keys {', '.join(USED_KEYS)}")
    token, username, password = (_text(secret, key, data.get(key, b"")) for key in USED_KEYS[:3])
    if token and username:
        raise SpecInvalid(f"Secret {secret} has both token and username: only one of them can be sent")
    if bool(username) is not ("password" in data):
        raise SpecInvalid(f"Secret {secret} has one of username and password: both are needed")
    if ":" in username:
        raise SpecInvalid(f"username in Secret {secret} has a colon, which basic authentication can't send")
    if bool(data.get("tls.crt")) is not bool(data.get("tls.key")):
        raise SpecInvalid(f"Secret {secret} has one of tls.crt and tls.key: both are needed")
    return Credentials(
        token=token,
        username=username,
        password=password,
        ca=data.get("ca.crt", b""),
        certificate=data.get("tls.crt", b""),
        key=data.get("tls.key", b""),
    )


def _found(name: str, secrets: Mapping[str, Data]) -> Data:
    if name not in secrets:
        raise SpecInvalid(f"there is no Secret {name}")
    return secrets[name]


def _headers(provider: Provider, secrets: Mapping[str, Data]) -> list[tuple[str, str]]:
    found = [(name, ", ".join(values)) for name, values in provider.headers.items()]
    for header in provider.headers_from:
        ref = header.secret_key_ref
        data = _found(ref.name, secrets)
        if ref.key not in data:
            raise SpecInvalid(f"Secret {ref.name} has no key {ref.key}, for header {header.name}")
        found.append((header.name, _text(ref.name, ref.key, data[ref.key])))
    return found


def _text(secret: str, key: str, value: bytes) -> str:
    """A value that a header can carry; a line end, as editors leave one, is none of it."""
    text = value.decode("utf-8", errors="replace").strip()
    if value and not (_HEADER_VALUE.fullmatch(text) or (key == "password" and text.isprintable())):
        raise SpecInvalid(f"{key} in Secret {secret} is no single line of ASCII")
    return text


def _address(address: str) -> str:
    """The URL of a place, to which paths are added. Raises SpecInvalid."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable:
        raise SpecInvalid("the address must be http://host[:port][/path], or https")
    if parts.username is not None or parts.password is not None:
        raise SpecInvalid("the address holds a user or password: put them into a Secret, by secretRef")
    if parts.query or parts.fragment or "?" in address or "#" in address:
        raise SpecInvalid("the address has a query or fragment: write them in the path of the question")
    return address.rstrip("/")
