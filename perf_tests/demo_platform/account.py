"""What a user has beside agents and graphs: its own data, its credits, and the state of its onboarding."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .auth import Authenticator
from .database import Database
from .fields import Fields, read_fields
from .moments import now
from .responses import encoded_response, json_response

STEPS = (
    "WELCOME",
    "USAGE_REASON",
    "INTEGRATIONS",
    "AGENT_CHOICE",
    "AGENT_NEW_RUN",
    "AGENT_INPUT",
    "CONGRATS",
    "GET_RESULTS",
    "MARKETPLACE_VISIT",
    "MARKETPLACE_ADD_AGENT",
    "MARKETPLACE_RUN_AGENT",
    "BUILDER_OPEN",
    "BUILDER_SAVE_AGENT",
    "BUILDER_RUN_AGENT",
    "RUN_AGENTS",
    "SCHEDULE_AGENT",
)
LONGEST_ANSWER = 1000
NEW: Mapping[str, Any] = {
    "completedSteps": [],
    "notified": [],
    "rewardedFor": [],
    "walletShown": False,
    "usageReason": None,
    "otherIntegrations": None,
    "selectedStoreListingVersionId": None,
    "agentInput": None,
    "agentRuns": 0,
}

USER = "json_object('id', id, 'email', email, 'name', name, 'created_at', created_at)"


# What a change of the onboarding may say, and how it is read.
CHANGES: Mapping[str, Callable[[Fields, str], Any]] = {
    "completedSteps": lambda fields, name: fields.words(name, STEPS),
    "notified": lambda fields, name: fields.words(name, STEPS),
    "walletShown": lambda fields, name: fields.flag(name),
    "usageReason": lambda fields, name: fields.text(name, longest=LONGEST_ANSWER),
    "otherIntegrations": lambda fields, name: fields.text(name, longest=LONGEST_ANSWER),
    "selectedStoreListingVersionId": lambda fields, name: fields.text(name, longest=LONGEST_ANSWER),
    "agentInput": lambda fields, name: fields.object(name).content,
}
LISTS = ("completedSteps", "notified")


class AccountApi:
    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self._database = database
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        return [
            Route("/api/auth/user", self.get_user),
            Route("/api/credits", self.get_credits),
            Route("/api/onboarding", self.get_onboarding),
            Route("/api/onboarding", self.change_onboarding, methods=["PATCH"]),
            Route("/api/onboarding/enabled", self.is_onboarding_enabled),
        ]

    async def get_user(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        return encoded_response(self._database.value(f"SELECT {USER} FROM users WHERE id = ?", (user_id,)))

    async def get_credits(self, request: Request) -> Response:
        user_id = self._authenticator.user_id(request)
        credits_left = self._database.value("SELECT credits FROM users WHERE id = ?", (user_id,))
        return json_response({"credits": credits_left})

    async def is_onboarding_enabled(self, request: Request) -> Response:
        self._authenticator.user_id(request)
        return json_response(True)

    async def get_onboarding(self, request: Request) -> Response:
        return json_response(self._onboarding(self._authenticator.user_id(request)))

    async def change_onboarding(self, request: Request) -> Response:
        """Sets what the body names and leaves the rest. A step that was completed stays so."""
        user_id = self._authenticator.user_id(request)
        fields = await read_fields(request)
        changes = {
            name: read(fields, name) for name, read in CHANGES.items() if fields.content.get(name) is not None
        }
        state = self._onboarding(user_id)
        for name in LISTS:
            changes[name] = list(dict.fromkeys([*state[name], *changes.get(name, [])]))
        kept = json.dumps({name: changes.get(name, state[name]) for name in NEW})
        self._database.execute(
            "INSERT INTO onboarding VALUES (?, ?, ?, ?) ON CONFLICT (user_id)"
            " DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at",
            (user_id, kept, now(), now()),
        )
        return json_response(self._onboarding(user_id))

    def _onboarding(self, user_id: str) -> dict[str, Any]:
        row = self._database.row(
            "SELECT state, created_at, updated_at FROM onboarding WHERE user_id = ?", (user_id,)
        )
        state, created_at, updated_at = row or ("{}", None, None)
        return {
            "userId": user_id,
            **NEW,
            **json.loads(state),
            "createdAt": created_at,
            "updatedAt": updated_at,
        }
