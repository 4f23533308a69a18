"""``python -m perf_tests.demo_platform --port N``: the platform in the foreground, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import socket
import sys
from collections.abc import Sequence

from .options import add_options, settings_of
from .seed import USER_EMAILS, USER_PASSWORD
from .server import BACKLOG, HOST, SECRET_VARIABLE
from .serving import serve_for_parent, serve_in_foreground
from .settings import Settings
from .signing import SERVICE_ROLE, TokenSigner

DEFAULT_PORT = 8006  # where the platform's API listens on a developer's machine


def main() -> None:
    parser = _parser()
    arguments = parser.parse_args()
    try:
        settings = settings_of(arguments)
    except ValueError as error:
        parser.error(str(error))
    secret = os.environ.get(SECRET_VARIABLE) or secrets.token_urlsafe(32)
    if arguments.listener is not None:
        serve_for_parent(socket.socket(fileno=arguments.listener), secret, settings, sys.stdin.fileno())
        return
    ports = [arguments.port, *([] if arguments.supabase_port is None else [arguments.supabase_port])]
    _serve_in_foreground(parser, ports, secret, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m perf_tests.demo_platform",
        description="Serve the demo platform on the loopback interface, with a new database.",
        epilog=f"{SECRET_VARIABLE} sets the secret that signs tokens; without it, a new one is made.",
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="default: %(default)s; 0: any free one"
    )
    parser.add_argument("--supabase-port", type=int, help="a second port, for Supabase; default: the same")
    parser.add_argument("--listener", type=int, help=argparse.SUPPRESS)  # used by running_platform()
    add_options(parser)
    return parser


def _serve_in_foreground(
    parser: argparse.ArgumentParser, ports: Sequence[int], secret: str, settings: Settings
) -> None:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(_listen(parser, port)) for port in ports]
        api, *supabase = [f"http://{HOST}:{listener.getsockname()[1]}" for listener in listeners]
        signer = TokenSigner(secret)
        sys.stdout.write(
            f"API          {api}\n"
            f"Supabase     {supabase[0] if supabase else api}\n"
            f"anon key     {signer.api_key('anon')}\n"
            f"service key  {signer.api_key(SERVICE_ROLE)}\n"
            f"users        {USER_EMAILS[0]} to {USER_EMAILS[-1]}, password {USER_PASSWORD}\n"
            "Ctrl-C stops it.\n"
        )
        sys.stdout.flush()
        serve_in_foreground(listeners, secret, settings)


def _listen(parser: argparse.ArgumentParser, port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        parser.error(f"cannot listen on {HOST}:{port}: {error}")


if __name__ == "__main__":
    main()
