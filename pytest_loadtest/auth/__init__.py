"""Tokens for virtual users: pools that sign users in, sign tokens themselves, or read them."""

from __future__ import annotations

from pytest_loadtest.auth.configuration import pool_of
from pytest_loadtest.auth.measuring import Authentication
from pytest_loadtest.auth.pool import TokenPool
from pytest_loadtest.auth.signed import SignedTokens
from pytest_loadtest.auth.static import StaticTokens
from pytest_loadtest.auth.supabase_tokens import SupabaseTokens
from pytest_loadtest.auth.token import Token

__all__ = [
    "Authentication",
    "SignedTokens",
    "StaticTokens",
    "SupabaseTokens",
    "Token",
    "TokenPool",
    "pool_of",
]
