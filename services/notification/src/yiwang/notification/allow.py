"""Where webhooks may go: a list of hosts and networks, because a government's receivers are internal addresses."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NotAllowed(ValueError):
    """The target isn't on the list; the sentence says what the administrator may do."""


class AllowList(NamedTuple):
    """Host names that may be called wherever they point, and networks in which any address may be called."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, text: str) -> AllowList:
        """``gateway.example.gov.cn, 10.0.0.0/8, 192.168.3.7``. Raises ValueError for an address with host bits set.

        >>> AllowList.parse("Gate.example, 10.0.0.0/8").hosts
        frozenset({'gate.example'})
        """
        hosts, networks = set(), []
        for item in (part.strip() for part in text.split(",")):
            if not item:
                continue
            if item[0].isdigit() or ":" in item:
                networks.append(ipaddress.ip_network(item))
            else:
                hosts.add(item.lower().rstrip("."))
        return cls(frozenset(hosts), tuple(networks))

    def host_of(self, url: str) -> str:
        """The host of *url*. Raises NotAllowed unless it is http(s) without a password, to a host that may be called.

        A name that isn't listed passes here and is judged by its addresses when it is called.
        """
        parts = urlsplit(url)
        host = (parts.hostname or "").lower().rstrip(".")
        if parts.scheme not in ("http", "https") or not host or parts.username or parts.fragment:
            raise NotAllowed("地址必须是 http:// 或 https:// 开头，不带用户名和 # 片段")
        _ = parts.port  # raises ValueError for a port that is no number
        if host not in self.hosts and not self.networks:
            raise NotAllowed(f"{host} 不在允许的出口名单中；请管理员把它加入 YIWANG_NOTIFICATION_WEBHOOK_ALLOW")
        address = _literal(host)
        if address is not None and host not in self.hosts and not self._holds(address):
            raise NotAllowed(f"{host} 不在允许的网段中；请管理员把它加入 YIWANG_NOTIFICATION_WEBHOOK_ALLOW")
        return host

    def address_for(self, host: str, resolved: list[str]) -> str:
        """The address to call for *host*: the name itself if listed, else the first address that lies in a network.

        Raises NotAllowed when none does: a name can't be bent to an address that nobody allowed.
        """
        if host in self.hosts:
            return host
        for text in resolved:
            if self._holds(ipaddress.ip_address(text)):
                return text
        raise NotAllowed(f"{host} 指向的地址不在允许的网段中；请管理员核对 YIWANG_NOTIFICATION_WEBHOOK_ALLOW")

    def _holds(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return any(address in network for network in self.networks if network.version == address.version)


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
