"""What a request of httpx leads to: the challenges of its authentication, the redirects of its answers.

Owns the order of the requests that follow from one; each is an exchange of its own. Must not know how the
caller wrote the request, nor connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import httpx

from pytest_loadtest.core.outcome import Outcome
from pytest_loadtest.http.arguments import Terms, with_challenge
from pytest_loadtest.http.encoding import asks_to_close, encode_request
from pytest_loadtest.http.exchange import Exchanger
from pytest_loadtest.http.redirects import redirect_request
from pytest_loadtest.http.response import Response
from pytest_loadtest.http.routes import RouteTable
from pytest_loadtest.http.settings import ClientSettings
from pytest_loadtest.http.streamed_response import StreamedResponse


class Conversation:
    """One request and all that follow from it. `streamed`: the last answer's body is left to the caller.

    `add_cookies` gives a request the cookies of its virtual user, `cookies_set` is told of streamed answers
    that set some (of whole ones the exchanger tells).
    """

    def __init__(
        self,
        exchanger: Exchanger,
        routes: RouteTable,
        settings: ClientSettings,
        add_cookies: Callable[[httpx.Request], None],
        cookies_set: Callable[[Response], None],
        terms: Terms,
        *,
        streamed: bool = False,
    ) -> None:
        self._exchanger = exchanger
        self._routes = routes
        self._settings = settings
        self._add_cookies = add_cookies
        self._cookies_set = cookies_set
        self._terms = terms
        self._streamed = streamed

    def __repr__(self) -> str:
        return f"<Conversation streamed={self._streamed}>"

    async def authenticated(self, request: httpx.Request, auth: httpx.Auth | None, name: str) -> Response:
        """Runs httpx's authentication flows: each gives requests and is shown their answers."""
        if auth is None:
            return await self._followed(request, name, self._terms)
        if auth.requires_request_body:
            await request.aread()
        history: list[Response] = []
        flow = auth.async_auth_flow(request)
        response: Response | None = None
        try:
            request = await anext(flow)
            while True:
                allowed = self._terms if history else with_challenge(self._terms, auth)
                response = await self._followed(request, name, allowed)
                response.history = history + response.history
                if auth.requires_response_body:
                    await response.aread()
                try:
                    request = await flow.asend(response)  # type: ignore[arg-type]  # has what flows read
                except StopAsyncIteration:
                    return response
                await response.aread()
                history = [*history, response]
        except BaseException as error:
            if isinstance(response, StreamedResponse):
                response.leave(error)  # the flow has failed over an answer that nobody will read
            raise
        finally:
            await flow.aclose()

    async def _followed(self, request: httpx.Request, name: str, terms: Terms) -> Response:
        response = await self._send(request, name, terms)
        if terms.follows and response.has_redirect_location:
            return await self.follow(response)
        return response

    async def follow(self, response: Response) -> Response:
        """Each hop is a request of its own, named after its own URL."""
        history: list[Response] = []
        while response.has_redirect_location:
            await response.aread()
            history = [*history, response]
            if len(history) > self._settings.max_redirects:
                self._raise_too_many_redirects(history)
            request = self._redirected(response, history[0])
            response.followed = True
            self._add_cookies(request)
            response = await self._send(request, "", self._terms)
            response.history = list(history)
        return response

    def _redirected(self, response: Response, first: Response) -> httpx.Request:
        """What follows; a Location that cannot be requested is the target's failure, as one more request."""
        try:
            request = redirect_request(response.request, response.status_code, response.headers["location"])
            self._routes.of(request.method, request.url)
        except (httpx.RemoteProtocolError, httpx.UnsupportedProtocol):
            message = f"redirected to what is no HTTP URL: {response.location}"
            self._exchanger.record_unsent(first.name, Outcome.PROTOCOL, message)
            raise
        return request

    def _raise_too_many_redirects(self, history: list[Response]) -> NoReturn:
        """One more failed request, under the name of the first hop."""
        message = f"more than {len(history) - 1} redirects: {history[0].location}"
        self._exchanger.record_unsent(history[0].name, Outcome.TOO_MANY_REDIRECTS, message)
        raise httpx.TooManyRedirects(message, request=history[-1].request)

    async def _send(self, request: httpx.Request, name: str, terms: Terms) -> Response:
        """One exchange; without a name it goes by its route's."""
        route = self._routes.of(request.method, request.url, request.extensions.get("sni_hostname"))
        sent = await encode_request(request, route.origin)
        if asks_to_close(request.headers.raw):
            terms = terms._replace(closes=True)
        name = name or route.name
        if self._streamed:
            answer = await self._exchanger.open(route, sent, name, terms)
            response: Response = StreamedResponse(answer, route, sent, name, self._settings.max_body_bytes)
        else:
            response = await self._exchanger.exchange(route, sent, name, terms)
        response.request = request
        if self._streamed and response.sets_cookies:
            self._cookies_set(response)
        return response
