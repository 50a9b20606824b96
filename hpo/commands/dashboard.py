"""``hpo dashboard runs/NAME``: the Optuna dashboard on a study's storage."""

from __future__ import annotations

import argparse
import sys

HELP = "the Optuna dashboard on a study's storage"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run", metavar="runs/NAME", help="run folder of the study, or URL/NAME")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine only)"
    )
    parser.add_argument("--port", default=8080, type=_port, help="port to listen on (default: 8080; 0: any free one)")


def run(arguments: argparse.Namespace) -> int:
    """Serve the dashboard until Ctrl-C.

    Raises:
        ConfigurationError: no such run folder, no dashboard installed, or the address cannot be used.
        StorageError: the storage cannot be opened.
    """
    from hpo.records.opening import open_run
    from hpo.report.dashboard import publish
    from hpo.report.server import dashboard_server

    folder, config, state = open_run(arguments.run, "study.db", "best", "data")
    with dashboard_server(config, folder, arguments.host, arguments.port) as (server, address):
        publish(config, state, folder)
        if arguments.host not in LOOPBACK:
            print("anyone who can reach this address can see, change and delete the study", file=sys.stderr)
        print(f"dashboard of study {config.study}: {address}\nCtrl-C ends it", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port (0 to 65535)")
    return port
