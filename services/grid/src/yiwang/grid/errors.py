"""The refusals of the grid."""

from __future__ import annotations

from yiwang.kit import ErrorCode

BAD_POINT = ErrorCode("grid.bad_point", 400, who="caller", say="坐标不能用：{why}", do="改正坐标或坐标系后重新提交")
NO_CELL = ErrorCode(
    "grid.no_cell", 404, who="caller", say="版本 {version} 中没有单元网格 {code}", do="核对 15 位编码和日期"
)
NO_AREA = ErrorCode("grid.no_area", 404, who="caller", say="版本 {version} 中没有区域 {code}", do="核对区域代码和日期")
NO_VERSION = ErrorCode("grid.no_version", 404, who="caller", say="没有网格版本 {version}", do="查看 GET /grid/versions")
NO_VERSION_THEN = ErrorCode(
    "grid.no_version_then", 404, who="admin", say="{day} 没有生效的网格版本", do="导入并启用网格后再查询"
)
VERSION_EXISTS = ErrorCode(
    "grid.version_exists", 409, who="caller", say="网格版本 {version} 已经存在，版本不可改动", do="换一个版本名重新导入"
)
ALREADY_ACTIVE = ErrorCode(
    "grid.already_active", 409, who="caller", say="网格版本 {version} 已是现行版本", do="不必重复启用"
)
RETIRED = ErrorCode(
    "grid.retired", 409, who="caller", say="网格版本 {version} 已停用，只供历史查询", do="把同样的数据导入为新版本再启用"
)
NOT_EMPTY_FORM = ErrorCode(
    "grid.bad_form",
    400,
    who="caller",
    say="上传内容不能用：{why}",
    do="用 multipart/form-data 上传 areas、cells、duty_grids、addresses 中的至少一个文件",
)
IMPORT_REFUSED = ErrorCode(
    "grid.import_refused",
    422,
    who="caller",
    say="网格数据有 {count} 处错误，没有存入任何内容",
    do="按 errors 逐项改正后重新上传；确认无误的项可在 accept 中列出其规则名",
)
NO_UNLOCATED = ErrorCode(
    "grid.no_unlocated", 404, who="caller", say="没有待定位的案件 {case}", do="刷新待定位列表后再选"
)
ALREADY_RESOLVED = ErrorCode(
    "grid.already_resolved", 409, who="caller", say="案件 {case} 已由他人定位", do="刷新列表；要改位置请在案件中更正"
)
STALE = ErrorCode(
    "grid.stale", 412, who="caller", say="您看到的是第 {seen} 版，现在是第 {now} 版", do="刷新后按最新内容再定位"
)
ONE_PLACE = ErrorCode(
    "grid.one_place", 422, who="caller", say="需要且只能给出编码或坐标之一", do="填写 code 或 point 中的一个"
)
NO_PLACE = ErrorCode(
    "grid.no_place", 422, who="caller", say="按所给内容找不到位置：{why}", do="改用街道、社区、单元网格编码或网格内的坐标"
)
NO_PART = ErrorCode("grid.no_part", 404, who="caller", say="部件库中当日没有部件 {code}", do="核对 16 位标识码和日期")
PARTS_REFUSED = ErrorCode(
    "grid.parts_refused",
    422,
    who="caller",
    say="部件数据有 {count} 处错误，没有存入任何内容",
    do="按 errors 逐项改正后重新上传；确认无误的项可在 accept 中列出其规则名",
)
