"""The e-mail channel: SMTP by aiosmtplib."""

from __future__ import annotations

import datetime as dt
import re
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

import aiosmtplib

from .retry import Result, classify_smtp

_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


def is_address(text: str) -> bool:
    """Whether *text* is one plain mailbox.

    >>> is_address("zhifa@example.gov.cn"), is_address("a@b\\nBcc: c@d"), is_address("a")
    (True, False, False)
    """
    if not re.fullmatch(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+", text):
        return False
    try:
        Address(addr_spec=text)
    except (ValueError, IndexError):
        return False
    return True


def message(sender: str, to: str, title: str, body: str, message_id: str, at: dt.datetime) -> EmailMessage:
    """The mail; its Message-ID is ours and the same at every attempt."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, to
    mail["Subject"] = " ".join(title.split())
    mail["Date"] = at
    mail["Message-ID"] = f"<{message_id}@{sender.partition('@')[2] or 'localhost'}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body)
    return mail


class Mailer:
    """Sends over one mail server by the service's settings."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    async def send(self, to: str, title: str, body: str, message_id: str, at: dt.datetime, timeout_s: float) -> Result:
        """One attempt. Never raises for what the server or the network does."""
        s = self._settings
        if not s.smtp_host:
            return Result(klass="transient", reason="没有配置邮件服务器;请管理员设置 YIWANG_NOTIFICATION_SMTP_HOST")
        try:
            _, reply = await aiosmtplib.send(
                message(s.smtp_from, to, title, body, message_id, at), hostname=s.smtp_host, port=s.smtp_port,
                username=s.smtp_user or None, password=s.smtp_password or None, use_tls=s.smtp_tls == "tls",
                start_tls=s.smtp_tls == "starttls", timeout=timeout_s,
            )  # fmt: skip
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _refused(error.recipients[0].code, error.recipients[0].message)
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Result(klass="transient", reason=type(error).__name__)
        return Result(klass="ok", provider_id=reply[:100], receipt=reply.encode())


def _refused(code: int, text: str) -> Result:
    """The reply without its words: servers like to repeat the address in them."""
    found = _ENHANCED.search(text)
    enhanced = found[1] if found else ""
    return Result(klass=classify_smtp(code, enhanced), reason=f"SMTP {code} {enhanced}".strip())
