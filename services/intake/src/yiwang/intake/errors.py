"""What intake refuses, and what to do about it. Mistakes in a report's fields are `kit.validation` with their paths."""

from __future__ import annotations

from yiwang.kit import ErrorCode

NOT_JSON = ErrorCode(
    "intake.not_json", 400, who="caller", say="报送内容不是合格的 JSON：{why}", do="按接口文档 /schema 改正后重新提交"
)
BAD_FORM = ErrorCode(
    "intake.bad_form",
    400,
    who="caller",
    say="表单不完整：{why}",
    do="用 multipart/form-data 提交，report 字段放一份 JSON，照片放在文件字段里",
)
CHANNEL_ROLE = ErrorCode(
    "intake.channel_role",
    403,
    who="caller",
    say="渠道“{channel}”只接收{roles}的上报",
    do="换用您的岗位可用的渠道，或由相应岗位的人员登录后上报",
)
CHANNEL_LOGIN = ErrorCode(
    "intake.channel_login", 401, who="caller", say="渠道“{channel}”不接收匿名上报", do="登录后再报，或改用公众渠道"
)
IMPORT_ROLE = ErrorCode(
    "intake.import_role",
    403,
    who="caller",
    say="只有系统账号可以导入历史记录（imported）或使用其他编码集的渠道",
    do="去掉 imported 字段并使用本地渠道代码，或由系统账号导入",
)
TEST_ROLE = ErrorCode(
    "intake.test_role",
    403,
    who="caller",
    say="只有受理员、管理员和系统账号可以上报测试件（test）",
    do="真实问题请去掉 test 字段；测试请由受理员登录后上报",
)
BATCH_LOGIN = ErrorCode("intake.batch_login", 401, who="caller", say="批量上报需要登录", do="登录后再报，或逐条上报")
BATCH_LINES = ErrorCode(
    "intake.too_many_lines",
    413,
    who="caller",
    say="一批 {count} 行，超过 {most} 行，全部未接收",
    do="拆成每批不超过 {most} 行后重新提交",
)
BATCH_NUMBER = ErrorCode(
    "intake.line_without_number",
    400,
    who="caller",
    say="批量上报的每一行都要有 source.system 和 source.record_id",
    do="补上来源系统的记录编号，这样整批重发也不会重复",
)
TOO_LARGE = ErrorCode(
    "intake.too_large", 413, who="caller", say="报送内容有 {size} 字节，超过 {most} 字节", do="缩短文字，照片用附件上传"
)
CONFLICT = ErrorCode(
    "intake.conflict",
    409,
    who="caller",
    say="编号 {number} 已用于内容不同的另一份报告，本次没有接收",
    do="新的报告请用新的编号；若要更正，请联系受理员在案件上更正",
)
CONTROL_AREA = ErrorCode(
    "intake.control_area",
    409,
    who="caller",
    say="管控区域内暂不接收此类上报：{message}",
    do="在管控时段或区域之外上报；有紧急情况请拨打 12319",
)
NOT_SAFE = ErrorCode(
    "intake.not_safe",
    503,
    who="time",
    say="暂时不能保证报告已经存好：{why}",
    do="按 Retry-After 的秒数重发同一内容，编号不变就不会重复",
)
NOT_FOUND = ErrorCode(
    "intake.report_not_found",
    404,
    who="caller",
    say="没有编号为 {report_id} 的报告，或者查询码不符",
    do="核对编号和上报时得到的查询码；工作人员请登录后查询",
)
NO_MEDIA = ErrorCode(
    "intake.no_media",
    409,
    who="caller",
    say="没有找到照片 {media_id}",
    do="先用 POST /reports/media 上传，再在报告里引用返回的 media_id",
)
MEDIA_TYPE = ErrorCode(
    "intake.media_type",
    415,
    who="caller",
    say="文件“{name}”的内容不是可接收的照片或视频",
    do="上传 JPEG、PNG、WebP、HEIC 照片或 MP4 短视频；只改扩展名没有用",
)
MEDIA_SIZE = ErrorCode("intake.media_size", 413, who="caller", say="文件“{name}”超过 {most} 字节", do="压缩后重新上传")
NO_LENDING = ErrorCode(
    "intake.no_lending",
    404,
    who="caller",
    say="没有编号为 {ask_id} 的联系方式移交",
    do="核对编号，或在 GET /reports/handovers 的列表里选",
)
LENDING_CLOSED = ErrorCode(
    "intake.lending_closed",
    409,
    who="caller",
    say="这一项移交的状态是“{state}”，现在不能这样做",
    do="刷新列表；需要时请对方重新申请",
)
