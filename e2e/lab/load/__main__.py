"""The load client's command line: `python -m e2e.lab.load --url URL --rate 200 --duration 30`.

Exit status 0 when every request was answered below 500, 1 when one was not, 2 for arguments that
can't be used.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from e2e.lab.load.bench import run_bench
from e2e.lab.load.client import LoadClient
from e2e.lab.load.report import HEADER, render_jsonl, render_seconds, render_totals


def main() -> int:
    """Run as the arguments say."""
    parser = _parser()
    args = parser.parse_args()
    if args.bench:
        return 0 if run_bench(args.rate, args.duration, through_envoy=args.envoy) else 1
    if args.url is None:
        parser.error("--url or --bench is needed")
    try:
        return asyncio.run(_run(args))
    except ValueError as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m e2e.lab.load",
        description="Sends GET requests at a fixed rate and counts what comes back.",
    )
    parser.add_argument("--url", metavar="http://ADDRESS:PORT/PATH")
    parser.add_argument("--rate", type=float, default=200.0, metavar="PER_S")
    parser.add_argument("--duration", type=float, default=30.0, metavar="S")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="S")
    parser.add_argument("--header", action="append", type=_pair, default=[], metavar="NAME=VALUE")
    parser.add_argument("--host", metavar="NAME", help="the Host header; the URL's address if not given")
    parser.add_argument("--out", type=Path, metavar="FILE.jsonl", help="write each request's record there")
    parser.add_argument("--bench", action="store_true", help="measure both ends on loopback instead")
    parser.add_argument("--envoy", action="store_true", help="with --bench: Envoy in between")
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not name or not found:
        message = f"must be NAME=VALUE, is {text!r}"
        raise argparse.ArgumentTypeError(message)
    return name, value


async def _run(args: argparse.Namespace) -> int:
    headers = dict(args.header) | ({"host": args.host} if args.host else {})
    load = LoadClient(args.url, rate_per_s=args.rate, headers=headers, timeout_s=args.timeout)
    async with load:
        load.start(args.duration)
        await load.finish()
    records = load.records
    since_s = min((record.sent_at_s for record in records), default=0.0)
    lines = [HEADER, *render_seconds(records, since_s=since_s), *render_totals(records)]
    sys.stdout.write("\n".join(lines) + "\n")
    if args.out is not None:
        args.out.write_text(render_jsonl(records), encoding="utf-8")
    return 1 if any(record.failed for record in records) else 0


if __name__ == "__main__":
    sys.exit(main())
