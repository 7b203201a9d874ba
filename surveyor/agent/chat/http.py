"""Posting bytes over HTTP, as cheaply as the library can.

The transport is used without the client around it: cookies, redirects and authentication flows
are no use here and cost more CPU than everything else that a turn does. One deadline covers the
whole exchange, so a reply that trickles in cannot hold an episode either, and one bound its size.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx2

from surveyor.agent.chat.bounded import UnreadableReply, read_bounded
from surveyor.agent.chat.provider_errors import Trouble
from surveyor.agent.chat.proxies import transport_to
from surveyor.core.errors import UserError
from surveyor.tools.lanes import Lanes, trust


@dataclass(frozen=True, slots=True)
class Answered:
    """Whatever came back, with header names in lower case."""

    status: int
    headers: httpx2.Headers
    body: bytes


class Wire:
    """Keep-alive connections to one URL. Owned by the event loop that first posts."""

    def __init__(
        self,
        url: str,
        headers: dict[str, str],
        timeout: float,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        try:
            self._url = httpx2.URL(url)
        except httpx2.InvalidURL as error:
            raise UserError(f"{url} is not a web address ({error})") from None
        self._headers = httpx2.Headers({**headers, "accept-encoding": "gzip, deflate"})
        self._timeout = timeout
        verify = trust(self._url)
        self._lanes = Lanes(lambda: transport or transport_to(self._url, verify))

    async def post(self, body: bytes) -> Answered | Trouble:
        """One exchange; a connection that fails, takes too long, or brings too much is
        `Trouble`."""
        request = httpx2.Request("POST", self._url, headers=self._headers, content=body)
        try:
            async with asyncio.timeout(self._timeout):
                async with self._lanes.answer(request) as response:
                    content = await read_bounded(response)
        except TimeoutError:
            return Trouble(f"no answer within {self._timeout:g} s")
        except UnreadableReply as error:
            return Trouble(str(error))
        except httpx2.TransportError as error:
            name = type(error).__name__
            return Trouble(f"{name}: {error}" if str(error) else name)
        return Answered(response.status_code, response.headers, content)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._lanes.aclose()
