"""``python -m perf_tests.demo_platform --port N``: the platform in the foreground, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import sys

from .seed import USER_EMAILS, USER_PASSWORD
from .server import BACKLOG, HOST, SECRET_VARIABLE
from .serving import serve_for_parent, serve_in_foreground
from .signing import TokenSigner

DEFAULT_PORT = 8006  # where the platform's API listens on a developer's machine


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m perf_tests.demo_platform",
        description="Serve the demo platform on the loopback interface, with a new database.",
        epilog=f"{SECRET_VARIABLE} sets the secret that signs tokens; without it, a new one is made.",
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="default: %(default)s; 0: any free one"
    )
    parser.add_argument("--listener", type=int, help=argparse.SUPPRESS)  # used by running_platform()
    arguments = parser.parse_args()
    secret = os.environ.get(SECRET_VARIABLE) or secrets.token_urlsafe(32)
    if arguments.listener is not None:
        serve_for_parent(socket.socket(fileno=arguments.listener), secret, lifeline=sys.stdin.fileno())
    else:
        _serve_in_foreground(parser, arguments.port, secret)


def _serve_in_foreground(parser: argparse.ArgumentParser, port: int, secret: str) -> None:
    try:
        listener = socket.create_server((HOST, port), backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        parser.error(f"cannot listen on {HOST}:{port}: {error}")
    with listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        sys.stdout.write(
            f"API and Supabase  {url}\n"
            f"anon key          {TokenSigner(secret).api_key('anon')}\n"
            f"users             {USER_EMAILS[0]} to {USER_EMAILS[-1]}, password {USER_PASSWORD}\n"
            "Ctrl-C stops it.\n"
        )
        sys.stdout.flush()
        serve_in_foreground(listener, secret)


if __name__ == "__main__":
    main()
