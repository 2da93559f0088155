"""What notification refuses, and who must do what about it."""

from __future__ import annotations

from yiwang.kit import ErrorCode

NO_NOTICE = ErrorCode(
    "notification.notice_not_found", 404, who="caller", say="没有发给您的通知 {notice}", do="核对通知编号"
)
NO_ENDPOINT = ErrorCode(
    "notification.endpoint_not_found", 404, who="caller", say="没有通知出口 {endpoint}", do="核对出口编号"
)
NOT_ALLOWED = ErrorCode(
    "notification.target_not_allowed", 422, who="admin", say="不能发往该地址：{why}", do="核对允许的出口名单后重试"
)
BAD_AUDIENCE = ErrorCode(
    "notification.bad_audience",
    422,
    who="caller",
    say="接收对象“{audience}”不合规",
    do="写成 *、unit:编号、person:编号、post:编号、reporter:* 或 角色@区划代码",
)
BAD_MAILBOX = ErrorCode(
    "notification.bad_mailbox", 422, who="caller", say="“{target}”不是邮箱地址", do="填写一个邮箱地址"
)
NO_MAIL_SERVER = ErrorCode(
    "notification.no_mail_server",
    409,
    who="admin",
    say="没有配置邮件服务器",
    do="设置 YIWANG_NOTIFICATION_SMTP_HOST 并重启服务",
)
NOT_A_WEBHOOK = ErrorCode(
    "notification.not_a_webhook", 409, who="caller", say="{endpoint} 是邮箱，没有密钥", do="只为 webhook 出口更换密钥"
)
BAD_POSITION = ErrorCode(
    "notification.bad_position",
    400,
    who="caller",
    say="Last-Event-ID 不是本接口给出的",
    do="去掉 Last-Event-ID 重新连接",
)
BAD_VERB = ErrorCode(
    "notification.bad_verb", 404, who="caller", say="出口没有操作“{verb}”", do="使用 enable、disable 或 rotate"
)
