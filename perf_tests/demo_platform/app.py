"""The platform as an ASGI application: which path is answered by what."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .account import AccountApi
from .api_keys import ApiKeysApi
from .auth import Authenticator
from .blocks_api import BlocksApi
from .database import Database
from .executions import ExecutionsApi
from .faults import FaultyAnswers
from .graphs import GraphsApi
from .library import LibraryApi
from .rate_limit import RateLimit
from .responses import exception_handlers, json_response
from .schedules import SchedulesApi
from .settings import Settings
from .signing import TokenSigner
from .store import StoreApi
from .supabase_api import SupabaseApi
from .supabase_users import SupabaseUsersApi
from .updates import UpdatesApi


def create_app(database: Database, signer: TokenSigner, settings: Settings) -> Starlette:
    async def health(request: Request) -> Response:
        database.value("SELECT 1")
        return json_response({"status": "healthy"})

    authenticator = Authenticator(database, signer)
    sign_ins = None if settings.sign_in_rate is None else RateLimit(settings.sign_in_rate)
    routes = [
        *StoreApi(database).routes(),
        *LibraryApi(database, authenticator).routes(),
        *AccountApi(database, authenticator).routes(),
        *GraphsApi(database, authenticator).routes(),
        *ExecutionsApi(database, authenticator).routes(),
        *BlocksApi(database, authenticator).routes(),
        *SchedulesApi(database, authenticator).routes(),
        *ApiKeysApi(database, authenticator).routes(),
        *SupabaseApi(database, signer, sign_ins).routes(),
        *SupabaseUsersApi(database, signer, settings.credits).routes(),
        *UpdatesApi(database, authenticator).routes(),
        Route("/health", health),
    ]
    faults = settings.faults
    middleware = [Middleware(FaultyAnswers, faults=faults)] if faults.in_answers else []
    return Starlette(routes=routes, middleware=middleware, exception_handlers=exception_handlers)
