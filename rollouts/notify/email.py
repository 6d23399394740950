"""E-mail over SMTP, by the standard library in threads of its own: an SMTP server that hangs holds up nobody else.

RFC 5321 and 5322. The Message-ID is the notice's id, so a mailbox tells a second delivery from a second event; all of
one release refer to the same first message. Nothing is said, and no password sent, before the connection is encrypted,
unless spec.email.tls says `none`, and then no password at all. Only a server that the reach policy allows is called.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import urlsplit

from rollouts.hooks.answer import one_line
from rollouts.notify.letter import Letter
from rollouts.notify.posting import redacted
from rollouts.ports import Delivered, Undelivered
from rollouts.reach.failures import refusal_in
from rollouts.reach.policy import ReachPolicy
from rollouts.reach.sockets import judged_connection

THREADS = 2
SUBJECT_MAX = 200
_OURSELVES = "localhost"
"""How we greet: the library would ask the DNS for a name, and wait for it."""
_PORTS = {"smtp": 587, "smtps": 465}


class Mailer:
    """Sends mail. Close it with `close`."""

    def __init__(self, reach: ReachPolicy, tls: ssl.SSLContext | None = None) -> None:
        """`tls` says whom to trust; by default those that the system trusts."""
        self._reach = reach
        self._tls = tls
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mail")

    async def notify(self, letter: Letter) -> Delivered | Undelivered:
        """One mail to all; it counts as delivered once the server has taken it for anybody."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._attempt, letter)

    def close(self) -> None:
        """Send nothing any more; what hangs is left to its time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _attempt(self, letter: Letter) -> Delivered | Undelivered:
        try:
            return self._send(letter)
        except smtplib.SMTPRecipientsRefused as refused:
            code, said = next(iter(refused.recipients.values()))
            return _refused(code, said, letter)
        except smtplib.SMTPResponseException as refused:
            return _refused(refused.smtp_code, refused.smtp_error, letter)
        except (smtplib.SMTPException, ssl.SSLError, TimeoutError) as failed:
            # The library tells a time-out as the end of the connection.
            silent = isinstance(failed, TimeoutError) or isinstance(failed.__context__, TimeoutError)
            why = f"no answer within {letter.spec.timeout_s:g} s" if silent else _kind(failed)
            return Undelivered(one_line(f"{_server(letter)}: {why}"))
        except OSError as failed:
            refusal = refusal_in(failed)
            why = refusal or f"no connection: {failed.strerror or type(failed).__name__}"
            return Undelivered(one_line(f"{_server(letter)}: {why}"), lasting=bool(refusal))

    def _send(self, letter: Letter) -> Delivered | Undelivered:
        split, settings, secret = urlsplit(letter.address), letter.spec.email, letter.to.secret
        if settings is None or split.scheme not in _PORTS or not split.hostname:
            return Undelivered("the address is none such as smtp://mail.example.com:587", lasting=True)
        username, password = secret.get("username", "").strip(), secret.get("password", "").rstrip("\r\n")
        implicit = split.scheme == "smtps"
        if password and not implicit and settings.tls == "none":
            return Undelivered("a password is not sent unencrypted: let spec.email.tls be starttls", lasting=True)
        tls = self._tls or ssl.create_default_context()
        port, timeout_s = split.port or _PORTS[split.scheme], letter.spec.timeout_s
        with _Server(self._reach, tls if implicit else None, timeout_s) as server:
            server.greet(split.hostname, port)
            if not implicit and settings.tls == "starttls":
                server.starttls(context=tls)
            if password:
                server.login(username, password)
            server.send_message(render(letter), settings.sender, list(settings.to))
        return Delivered()


class _Server(smtplib.SMTP):
    """The library has no other door for a socket of ours than the method that makes its own."""

    def __init__(self, reach: ReachPolicy, tls: ssl.SSLContext | None, timeout_s: float) -> None:
        """`tls` is given where all is encrypted from the start."""
        super().__init__(local_hostname=_OURSELVES, timeout=timeout_s)
        self._reach = reach
        self._tls = tls

    def greet(self, host: str, port: int) -> None:
        """Connect. Raises OSError, SMTPException."""
        # What STARTTLS compares the certificate with; the library sets it only where it connects by itself.
        self._host = host
        code, said = self.connect(host, port)
        if code != 220:
            self.close()
            raise smtplib.SMTPConnectError(code, said)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = judged_connection(self._reach, host, port, timeout)
        return made if self._tls is None else self._tls.wrap_socket(made, server_hostname=host)


def render(letter: Letter) -> EmailMessage:
    """The mail: plain text, which every client shows alike."""
    told, settings = letter.notification, letter.spec.email
    if settings is None:
        raise TypeError("an AlertProvider of another type has no mail")
    domain = settings.sender.rpartition("@")[2]
    mail = EmailMessage()
    mail["From"] = Address(display_name=letter.spec.username, addr_spec=settings.sender)
    mail["To"] = [Address(addr_spec=one) for one in settings.to]
    mail["Subject"] = one_line(letter.title.encode(errors="replace").decode())[:SUBJECT_MAX]
    mail["Date"] = format_datetime(told.at)
    mail["Message-ID"] = f"<{told.id}@{domain}>"
    mail["References"] = f"<{told.release}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    facts = "\n".join(f"{label}: {words}" for label, words in told.facts)
    links = "\n".join(f"{link.title}: {link.url}" for link in letter.links)
    parts = (letter.text or letter.title, facts, links, f"{told.reason} · {told.id}")
    text = "\n\n".join(part for part in parts if part) + "\n"
    mail.set_content(text.encode(errors="replace").decode())
    return mail


def _refused(code: int, said: bytes | str, letter: Letter) -> Undelivered:
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    lasting = code >= 500
    return Undelivered(one_line(f"SMTP {code}: {redacted(words, letter.to)}"), lasting=lasting)


def _server(letter: Letter) -> str:
    split = urlsplit(letter.address)
    return f"{split.scheme}://{split.hostname}"


def _kind(failed: Exception) -> str:
    """In words of ours: the library's own may quote what was sent."""
    match failed:
        case ssl.SSLError():
            return f"TLS: {getattr(failed, 'verify_message', '') or failed.reason or 'no agreement'}"
        case smtplib.SMTPServerDisconnected():
            return "the connection was closed without an answer"
        case smtplib.SMTPNotSupportedError():
            return "the server offers no STARTTLS, or no way to log in"
        case _:
            return type(failed).__name__
