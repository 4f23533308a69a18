"""The platform as an ASGI application: which path is answered by what."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .auth import Authenticator
from .database import Database
from .library import LibraryApi
from .responses import exception_handlers, json_response
from .signing import TokenSigner
from .store import StoreApi
from .supabase_api import SupabaseApi
from .updates import UpdatesApi


def create_app(database: Database, signer: TokenSigner) -> Starlette:
    async def health(request: Request) -> Response:
        database.value("SELECT 1")
        return json_response({"status": "healthy"})

    authenticator = Authenticator(database, signer)
    routes = [
        *StoreApi(database).routes(),
        *LibraryApi(database, authenticator).routes(),
        *SupabaseApi(database, signer).routes(),
        *UpdatesApi(database, authenticator).routes(),
        Route("/health", health),
    ]
    return Starlette(routes=routes, exception_handlers=exception_handlers)
