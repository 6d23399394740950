"""An SMTP server on loopback, as RFC 5321, 3207 (STARTTLS), 4954 (AUTH) and 5322 (messages) have it."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

from tests.talks import talking

USER, PASSWORD = "mailer", "smtp-password-secret"


@dataclass(slots=True)
class SmtpServer:
    """`trouble` holds what is answered to MAIL instead of 250; None says nothing for ever."""

    tls: ssl.SSLContext
    port: int = 0
    trouble: deque[str | None] = field(default_factory=deque)
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    plain_auth: bool = False
    """Whether anybody has sent a password unencrypted."""
    attempts: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = _Talk(self, reader, writer)
        try:
            await talk.run()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@dataclass(slots=True)
class _Talk:
    server: SmtpServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    encrypted: bool = False
    known: bool = False
    sender: str = ""
    to: list[str] = field(default_factory=list)

    async def say(self, line: str) -> None:
        self.writer.write(line.encode() + b"\r\n")
        await self.writer.drain()

    async def run(self) -> None:
        await self.say("220 mail.test ESMTP")
        while line := (await self.reader.readuntil(b"\r\n")).decode().rstrip("\r\n"):
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    offer = "250-AUTH PLAIN LOGIN" if self.encrypted else "250-STARTTLS"
                    await self.say(f"250-mail.test\r\n{offer}\r\n250 8BITMIME")
                case "STARTTLS":
                    await self.say("220 Go ahead")
                    await self.writer.start_tls(self.server.tls)
                    self.encrypted = True
                case "AUTH":
                    await self._auth(rest)
                case "MAIL":
                    await self._mail(rest)
                case "RCPT":
                    self.to.append(rest.partition("<")[2].rstrip(">"))
                    await self.say("250 OK")
                case "DATA":
                    await self._data()
                case "RSET":
                    await self.say("250 OK")
                case "QUIT":
                    await self.say("221 Bye")
                    return
                case _:
                    await self.say("502 Command not implemented")

    async def _auth(self, rest: str) -> None:
        self.server.plain_auth = self.server.plain_auth or not self.encrypted
        _, _, initial = rest.partition(" ")
        if base64.b64decode(initial) != f"\0{USER}\0{PASSWORD}".encode():
            await self.say(f"535 5.7.8 Authentication failed for {base64.b64decode(initial)!r}")
            return
        self.known = True
        await self.say("235 Accepted")

    async def _mail(self, rest: str) -> None:
        self.server.attempts += 1
        if self.server.trouble:
            answer = self.server.trouble.popleft()
            if answer is None:
                await asyncio.Event().wait()
            await self.say(str(answer))
            return
        if not self.known:
            await self.say("530 Authentication required")
            return
        self.sender = rest.partition("<")[2].partition(">")[0]
        await self.say("250 OK")

    async def _data(self) -> None:
        await self.say("354 Go on")
        data = (await self.reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
        mail = message_from_bytes(data, policy=SMTP)
        assert isinstance(mail, EmailMessage)
        if any(len(line) > 998 for line in data.split(b"\r\n")) or not {"From", "Date", "Message-ID"} <= {*mail.keys()}:
            await self.say("554 No such message")
            return
        self.server.mails.append(mail)
        self.server.envelopes.append((self.sender, self.to))
        await self.say("250 Queued")


@asynccontextmanager
async def smtp_server(tls: ssl.SSLContext) -> AsyncIterator[SmtpServer]:
    """A server on a free port; talks that hang are cut when the block ends."""
    made = SmtpServer(tls)
    async with talking(made.serve) as made.port:
        yield made
