"""Local accounts and the token issuer `identity`, for a county without an OIDC provider of its own.

Owns logins, passwords (argon2id), posts and signing keys. Other services verify its tokens by YIWANG_JWKS =
``http://<host>:<port>/identity/jwks.json``. The first administrator is made on the command line (`create_account`).
"""

from .app import service
from .domain import Account, NewAccount, PostGrant, Settings
from .store import accounts_db, create_account, reset_password, set_disabled

__all__ = [
    "Account",
    "NewAccount",
    "PostGrant",
    "Settings",
    "accounts_db",
    "create_account",
    "reset_password",
    "service",
    "set_disabled",
]
