"""A client that does what a 503 asks for: waits as long as Retry-After says, and tries again."""

from __future__ import annotations

import asyncio
import time

import httpx

TRIES = 30
"""A stack that was just brought up on a busy machine may need a few."""


def pause(answer: httpx.Response) -> float:
    """Seconds to wait before the request is sent again, 0 when the answer is one to keep."""
    if answer.status_code not in (502, 503, 504):
        return 0.0
    asked = answer.headers.get("retry-after", "")
    return min(float(asked) if asked.isdigit() else 1.0, 5.0)


class Patient(httpx.HTTPTransport):
    """For the client that waits."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and send again while the answer is 502, 503 or 504."""
        answer = super().handle_request(request)
        for _ in range(TRIES):
            if not (wait := pause(answer)):
                break
            answer.close()
            time.sleep(wait)
            answer = super().handle_request(request)
        return answer


class AsyncPatient(httpx.AsyncHTTPTransport):
    """For the client that works on meanwhile."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and send again while the answer is 502, 503 or 504."""
        answer = await super().handle_async_request(request)
        for _ in range(TRIES):
            if not (wait := pause(answer)):
                break
            await answer.aclose()
            await asyncio.sleep(wait)
            answer = await super().handle_async_request(request)
        return answer
