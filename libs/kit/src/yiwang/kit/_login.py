"""A service that wants people to log in doesn't start where nobody could: a door that opens for no key is a mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from litestar.handlers import HTTPRouteHandler

from ._config import ConfigError, Kit
from ._identity import Guard
from ._service import Service

NO_KEYS: Final = (
    "{services} 的接口要登录，但没有验证令牌的公钥：请管理员把 YIWANG_JWKS 设为签发者公钥的地址或文件"
    "（统一认证平台的 jwks_uri，或本系统账号服务的 http://主机:端口/identity/jwks.json），"
    "或者在同一进程里一起运行 identity（本地账号）"
)


def refuse_without_keys(services: Sequence[Service], kit: Kit) -> None:
    """Raises ConfigError when routes of *services* want a login and this process knows no issuer.

    An embedded run has its development issuer; a process with the service `identity` believes that one.
    """
    if kit.jwks or kit.embedded or any(service.name == "identity" for service in services):
        return
    closed = [service.name for service in services if any(_wants_login(route) for route in _flat(service.routes))]
    if closed:
        raise ConfigError([NO_KEYS.format(services="、".join(closed))])


def _flat(routes: Iterable[Any]) -> Iterator[HTTPRouteHandler]:
    """The handlers themselves and those of controllers."""
    for route in routes:
        if isinstance(route, HTTPRouteHandler):
            yield route
        elif isinstance(route, type):
            yield from (one for one in vars(route).values() if isinstance(one, HTTPRouteHandler))


def _wants_login(route: HTTPRouteHandler) -> bool:
    return not any(isinstance(guard, Guard) and guard.public for guard in route.guards or ())
