"""People of a node that keeps its own accounts: the first administrator by command, everybody else by him over HTTP."""

from __future__ import annotations

import re
import secrets

import httpx

from .engine import Docker

INITIAL = re.compile(r"初始密码 (\S+?)（")


class People:
    """Hands out tokens for roles, making an account for each as it is asked for."""

    def __init__(self, http: httpx.Client, area: str) -> None:
        self._http, self._area = http, area
        self._admin = ""

    def found(self, docker: Docker, compose: list[str]) -> None:
        """Make the first administrator, as an operator does after the installation."""
        add = [
            "exec",
            "-T",
            "identity",
            "yiwang",
            "user",
            "add",
            "admin",
            "--name",
            "管理员",
            "--role",
            "security_admin",
        ]
        said = docker.run(*compose, *add, "--area", self._area)
        password = INITIAL.search(said)
        if password is None:
            raise SystemExit(f"yiwang user add said no password: {said[-500:]}")
        self._admin = self._enter("admin", password[1])

    def token(self, role: str, unit: str = "") -> str:
        """A token of somebody in that role (of that unit)."""
        login, password = f"u{secrets.token_hex(6)}", _password()
        post = {"role": role, "areas": [self._area], "unit_id": unit}
        account = {"login": login, "display_name": role, "password": password, "posts": [post]}
        answer = self._http.post("/identity/accounts", json=account, headers={"Authorization": f"Bearer {self._admin}"})
        answer.raise_for_status()
        return self._enter(login, password)

    def _enter(self, login: str, initial: str) -> str:
        """Log in for the first time: the initial password must be changed."""
        new = _password()
        self._http.post("/identity/password", json={"login": login, "old": initial, "new": new}).raise_for_status()
        answer = self._http.post("/identity/token", json={"login": login, "password": new})
        answer.raise_for_status()
        return str(answer.json()["access_token"])


def _password() -> str:
    return f"Aa1{secrets.token_hex(8)}"
