"""The webhook channel as the Standard Webhooks spec has it, and where it may go."""

from __future__ import annotations

import datetime as dt

import pytest
from standardwebhooks.webhooks import Webhook
from yiwang.notification.allow import AllowList, NotAllowed
from yiwang.notification.webhook import headers, new_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = dt.datetime.fromtimestamp(1614265330, dt.UTC)
BODY = b'{"test": 2432232314}'
LIST = AllowList.parse("gateway.example.gov.cn, 10.0.0.0/8, ::1, 192.168.3.7")


def test_signs_as_the_specification_s_vector() -> None:
    """Its published secret, id, moment and body give its published signature."""
    made = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", AT, BODY, [SECRET])

    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert made["webhook-timestamp"] == "1614265330"


def test_the_moment_is_the_same_in_every_zone() -> None:
    """A local time of Beijing isn't taken for UTC."""
    beijing = AT.astimezone(dt.timezone(dt.timedelta(hours=8)))

    assert headers("m", beijing, BODY, [SECRET]) == headers("m", AT, BODY, [SECRET])
    with pytest.raises(ValueError, match="aware"):
        headers("m", AT.replace(tzinfo=None), BODY, [SECRET])


def test_during_a_rotation_both_secrets_verify() -> None:
    """The receiver changes over when it likes within the day."""
    old, new, now = new_secret(), new_secret(), dt.datetime.now(dt.UTC)
    made = headers("m", now, BODY, [new, old])

    for secret in (old, new):
        assert Webhook(secret).verify(BODY.decode(), made) == {"test": 2432232314}


@pytest.mark.parametrize(
    "url", ["https://gateway.example.gov.cn/hook?k=1", "http://10.2.3.4:8080/", "http://[::1]:9/x", "http://inside/"]
)
def test_a_listed_host_or_network_may_be_called(url: str) -> None:
    """Government receivers are internal addresses; a bare name is judged by its addresses when it is called."""
    assert LIST.host_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/",
        "ftp://10.1.1.1/",
        "http://u:p@10.1.1.1/",
        "10.1.1.1",
        "http://11.0.0.1",
    ],
)
def test_anything_else_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(NotAllowed, match=r"名单|网段|必须"):
        LIST.host_of(url)


def test_without_a_list_nothing_may_be_called() -> None:
    """The sentence names the setting."""
    with pytest.raises(NotAllowed, match="YIWANG_NOTIFICATION_WEBHOOK_ALLOW"):
        AllowList.parse("").host_of("http://gateway.example.gov.cn/")


def test_a_name_cannot_be_bent_to_an_address_that_nobody_allowed() -> None:
    """What it points to is judged at the moment of the call, and that address is the one called."""
    assert LIST.address_for("inside", ["127.0.0.1", "10.9.9.9"]) == "10.9.9.9"
    assert LIST.address_for("gateway.example.gov.cn", ["127.0.0.1"]) == "gateway.example.gov.cn"
    with pytest.raises(NotAllowed, match="指向的地址"):
        LIST.address_for("inside", ["127.0.0.1"])
