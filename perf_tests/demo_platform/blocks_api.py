"""Blocks over HTTP: listed, and executed alone."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .auth import Authenticator
from .block import BlockError, InputError
from .blocks import CATALOGUE
from .database import Database
from .executions import charge
from .fields import read_fields
from .responses import json_response


class BlocksApi:
    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self._database = database
        self._authenticator = authenticator
        self._listed = [block.description_of_itself() for block in CATALOGUE.values()]

    def routes(self) -> list[Route]:
        return [
            Route("/api/blocks", self.list_blocks),
            Route("/api/blocks/{id}/execute", self.execute, methods=["POST"]),
        ]

    async def list_blocks(self, request: Request) -> Response:
        self._authenticator.user_id(request)
        return json_response(self._listed)

    async def execute(self, request: Request) -> Response:
        """The body is the block's inputs by name; the answer its outputs by name, each a list of values."""
        user_id = self._authenticator.user_id(request)
        block = CATALOGUE.get(request.path_params["id"])
        if block is None:
            raise HTTPException(404, f"Block #{request.path_params['id']} not found")
        body = await read_fields(request)
        try:
            inputs = block.checked(body.content)
        except InputError as error:
            raise body.invalid(error.name, error.kind, error.message) from error
        charge(self._database, user_id, block.cost)
        try:
            outputs = block.run(inputs)
        except BlockError as error:
            raise HTTPException(400, f"{block.name}: {error}") from error
        return json_response({name: [value] for name, value in outputs.items()})
