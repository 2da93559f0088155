"""What the issuer refuses."""

from __future__ import annotations

from .._problems import ErrorCode

LOGIN_FAILED = ErrorCode(
    "identity.login_failed", 401, who="caller", say="账号或密码不对", do="核对后重试；忘记密码请管理员重置"
)
LOCKED = ErrorCode(
    "identity.locked", 423, who="time", say="连续输错次数过多，已锁定到 {until}", do="届时再试，或请安全管理员解锁"
)
DISABLED = ErrorCode("identity.disabled", 403, who="admin", say="账号已停用", do="确需使用时由安全管理员启用")
MUST_CHANGE = ErrorCode(
    "identity.must_change",
    403,
    who="caller",
    say="初始密码只能用一次",
    do="先在 POST /identity/password 改成自己的密码",
)
WEAK_PASSWORD = ErrorCode(
    "identity.weak_password", 400, who="caller", say="新密码不合要求：{why}", do="按要求另设一个密码"
)
LOGIN_TAKEN = ErrorCode("identity.login_taken", 409, who="caller", say="账号名 {login} 已被使用", do="换一个账号名")
NO_ACCOUNT = ErrorCode("identity.no_account", 404, who="caller", say="没有账号 {login}", do="核对账号名")
BAD_POST = ErrorCode("identity.bad_post", 400, who="caller", say="岗位设置不对：{why}", do="改正后重新提交")
OWN_ACCOUNT = ErrorCode(
    "identity.own_account", 403, who="admin", say="不能变更自己的岗位或状态", do="由另一位管理员办理"
)
SESSION_OVER = ErrorCode("identity.session_over", 401, who="caller", say="登录已满 {hours} 小时", do="重新输入密码登录")
