"""The command `rollouts status` around its question: texts to values, lines to people, and one exit code.

What can't be asked is no answer: it has codes of its own, so that a pipeline never takes it for a failed release.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import typer

from rollouts.api.durations import PATTERN, duration_s
from rollouts.api.resources import ObjectKey
from rollouts.api.stamps import instant_of
from rollouts.cli import exits
from rollouts.cli.cluster.gating import CODES, Gate, as_told
from rollouts.cli.cluster.paint import Paint
from rollouts.cli.cluster.session import Session, name_of, run
from rollouts.cli.cluster.standing import Ending, Standing, Wanted
from rollouts.cli.cluster.times import lasted
from rollouts.cli.cluster.written import in_form
from rollouts.cli.flags import Flags
from rollouts.cli.refused import CommandRefused
from rollouts.errors import RolloutsError


@dataclass(frozen=True, slots=True)
class Question:
    """The flags of the command, as they were written."""

    name: str
    watch: bool = False
    timeout: str = ""
    revision: str = ""
    since: str = ""
    form: str = ""


def answer(flags: Flags, question: Question) -> int:
    """Ask it, tell the answer, and return the exit code. Never raises for what the caller can mend."""
    try:
        gate = _meant(question)
    except CommandRefused as refused:
        typer.echo(f"status: {refused}", err=True)
        return exits.USAGE

    async def work(session: Session) -> int:
        return await _answered(session, question, gate)

    try:
        return run(flags, work)
    except CommandRefused as refused:
        typer.echo(f"status: {refused}", err=True)
        return exits.NOT_FOUND if refused.exit_code == exits.NOT_FOUND else exits.UNREACHED
    except RolloutsError as error:
        typer.echo(f"status: {error}", err=True)
        return exits.UNREACHED


@dataclass(frozen=True, slots=True)
class _Meant:
    name: str
    timeout_s: float | None
    wanted: Wanted


def _meant(question: Question) -> _Meant:
    """The flags as values. Raises CommandRefused."""
    if question.timeout and not question.watch:
        raise CommandRefused("--timeout goes with --watch: without it nothing is waited for")
    timeout_s = _seconds(question.timeout) if question.timeout else None
    since = _instant(question.since) if question.since else None
    if question.revision and not re.fullmatch("[0-9a-f]{4,16}", question.revision):
        raise CommandRefused(
            f"--revision {question.revision}: write 4 to 16 hexadecimal digits, as `get -o wide` shows"
        )
    return _Meant(name_of(question.name), timeout_s, Wanted(question.revision, since))


def _seconds(text: str) -> float:
    if re.fullmatch(PATTERN, text) is None:
        raise CommandRefused(f"--timeout {text}: write a duration such as 90s or 15m")
    return duration_s(text)


def _instant(text: str) -> datetime:
    told = instant_of(text)
    if told is None:
        raise CommandRefused(f"--since {text}: write a time such as 2026-01-31T12:00:00Z; `date -u +%FT%TZ` prints now")
    return told


async def _answered(session: Session, question: Question, meant: _Meant) -> int:
    aside = bool(question.form)  # what programs read stands alone on standard output

    def tell(line: str) -> None:
        typer.echo(line, err=aside)

    def warn(line: str) -> None:
        typer.echo(f"status: {line}", err=True)

    gate = Gate(session, meant.name, meant.wanted, meant.timeout_s, tell, warn)
    standing = await (gate.until_over() if question.watch else gate.once())
    if question.form:
        key = ObjectKey(session.namespace, meant.name)
        typer.echo(in_form(question.form, as_told(standing, key)), nl=False)
    else:
        typer.echo(_line(standing, meant, waited=question.watch))
    return CODES[standing.ending]


def _line(standing: Standing, meant: _Meant, *, waited: bool) -> str:
    """The last line: how it came out."""
    paint = Paint.of()
    if standing.ending is Ending.RUNNING and waited:
        return f"{paint('not over', 'yellow')} after {lasted(meant.timeout_s or 0)}: {standing.message}"
    if standing.ending is Ending.RUNNING:
        return f"{paint('not over', 'yellow')}: {standing.message}"
    return f"{paint.word(standing.ending)}: {standing.message}"
