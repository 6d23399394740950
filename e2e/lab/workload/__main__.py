"""The workload server's command line: `python -m e2e.lab.workload --kubeconfig FILE`."""

import argparse
import asyncio
import logging
import resource
import signal
import ssl
import sys
from pathlib import Path

from e2e.lab.workload.kube_api import open_api
from e2e.lab.workload.kubeconfig import KubeconfigError, read_kubeconfig
from e2e.lab.workload.scrape_log import ScrapeLog
from e2e.lab.workload.server import PodMetricsAddress, WorkloadServer


def main() -> int:
    """Run until SIGTERM or SIGINT; 2 when the kubeconfig or the metrics port can't be used."""
    args = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    _raise_file_limit()
    status = 0
    try:
        asyncio.run(_run(args))
    except* (KubeconfigError, OSError) as errors:
        sys.stderr.writelines(f"workload: {error}\n" for error in errors.exceptions)
        status = 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.lab.workload", description="Plays the containers of all pods.")
    parser.add_argument("--kubeconfig", type=Path, required=True, metavar="FILE")
    parser.add_argument("--metrics", type=_address, default=("127.0.0.1", 9400), metavar="HOST:PORT")
    parser.add_argument("--pod-metrics", type=_address, metavar="HOST:PORT", help="serve metrics.k8s.io there")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="for it; its key lies beside it, as .key")
    parser.add_argument("--scrape-log", type=Path, metavar="FILE", help="keep there what each scrape was shown")
    return parser


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def _raise_file_limit() -> None:
    """Each pod's listener and each client's connection is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _pod_metrics(args: argparse.Namespace) -> PodMetricsAddress | None:
    if args.pod_metrics is None:
        return None
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(args.certificate, args.certificate.with_suffix(".key"))
    host, port = args.pod_metrics
    return PodMetricsAddress(host, port, tls)


async def _run(args: argparse.Namespace) -> None:
    serving = asyncio.current_task()
    assert serving is not None  # noqa: S101 - a coroutine under asyncio.run always has one
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, serving.cancel)
    log = ScrapeLog(args.scrape_log) if args.scrape_log else None
    try:
        async with open_api(read_kubeconfig(args.kubeconfig)) as api:
            on_scrape = log.note if log else lambda _: None
            server = WorkloadServer(api, metrics=args.metrics, pod_metrics=_pod_metrics(args), on_scrape=on_scrape)
            await server.run()
    except asyncio.CancelledError:
        logging.getLogger(__name__).info("stopped")
    finally:
        if log:
            log.close()


if __name__ == "__main__":
    sys.exit(main())
