// One case: what and where it is, its limits with their explanation, photos, the actions, the whole history (流转记录).

import * as api from "./api.js";
import { actionBar } from "./actions.js";
import { countdown } from "./countdown.js";
import { $, h, longTime, shortTime, toast, words } from "./dom.js";
import { holds } from "./forms.js";
import { sentence } from "./login.js";
import { askMarks, title } from "./rows.js";
import { claimPart, partList, requestList, stepList } from "./shared_work.js";
import { custodyFacts, custodyPart } from "./tiers.js";
import { blowForm } from "./whistles.js";

const TIMELINESS = { on_time: "按时", overdue: "超时" };
const APPEALS = { approved: "成立，不计入超时统计", rejected: "未成立" };
const RELATIONS = { similar: "疑似同一问题", recurrence: "反弹", campaign: "同一专项", merged: "已并入此案" };
const PHOTO_STAGES = { report: "上报", verify: "核实", before: "处置前", after: "处置后", check: "核查", evidence: "证据" };
let shown = "";
let urls = [];

/** Shows the case `no` in the panel; `changed` is called after an action, `closed` when the panel is left. */
export async function showCase(no, changed, closed) {
  shown = no;
  const panel = $("case");
  try {
    const [detail, allowed] = await Promise.all([api.get(`/cases/${no}`), api.get(`/cases/${no}/actions`)]);
    if (shown !== no) return;
    forget();
    const again = async () => {
      await changed();
      await showCase(no, changed, closed);
    };
    panel.replaceChildren(...parts(detail, allowed, again, closed));
    panel.hidden = false;
    document.body.classList.add("has-case");
    panel.scrollTop = 0;
  } catch (refusal) {
    toast(sentence(refusal), true);
    closed();
  }
}

export function hideCase() {
  shown = "";
  forget();
  $("case").hidden = true;
  $("case").replaceChildren();
  document.body.classList.remove("has-case");
}

function forget() {
  urls.forEach((url) => URL.revokeObjectURL(url));
  urls = [];
}

function parts(detail, allowed, again, closed) {
  const { case: item } = detail;
  return [
    h("div", { class: "head" },
      h("h2", { tabindex: -1 }, title(item)),
      h("button", { class: "close", type: "button", onclick: closed, "aria-label": "关闭案件" }, "关闭")),
    h("p", { class: "tags" },
      tag(item.state_name, item.state),
      item.urgency === "urgent" && tag("紧急", "urgent"),
      item.overdue && tag("超时", "late"),
      askMarks(item),
      detail.custody.read_only && tag(`${detail.custody.custodian_name}主办`, "away"),
      detail.custody.supervisions.length > 0 && tag("督办", "late"),
      detail.return_count > 0 && tag(`回退 ${detail.return_count} 次`, "warn"),
      detail.round > 1 && tag(`第 ${detail.round} 轮办理`, "warn"),
      detail.postpone_count > 0 && tag(`延期 ${detail.postpone_count} 次`, "warn"),
      detail.stock && tag("积存", "warn"),
      detail.rework_count > 0 && tag(`返工 ${detail.rework_count} 次`, "warn"),
      item.purpose !== "live" && tag({ demo: "演示", test: "测试", drill: "演练", historical: "历史" }[item.purpose] || item.purpose, "")),
    claimPart(detail, again),
    item.remaining_s !== null && h("p", { class: "due" }, item.remaining_s >= 0 && "剩余 ", countdown(item), h("span", { class: "hint" }, ` 截止 ${shortTime(item.due_at)}`)),
    item.description && h("p", { class: "text" }, item.description),
    facts(detail),
    similarPart(detail),
    photos(detail),
    requestList(detail),
    detail.custody.read_only ? null : actionBar(detail, allowed, again),
    stepList(detail),
    partList(detail),
    whistlePart(detail, again),
    custodyPart(detail, again),
    limits(detail.clocks),
    history(detail),
  ].filter(Boolean);
}

/** The community may call units about an open case. */
function whistlePart({ case: item, custody }, again) {
  if (custody.read_only || ["closed", "voided"].includes(item.state) || !holds("community_worker", "acceptor")) return null;
  return h("div", { class: "bar" }, blowForm(again, { case_no: item.case_no || item.case_id, area: item.area, address: item.address, description: item.description }));
}

/** Cases of the same class nearby, for who accepts, files or dispatches; filled in when they are known. */
function similarPart(detail) {
  const { case: item } = detail;
  if (detail.custody.read_only || !["reported", "verifying", "accepted", "filed", "dispatched"].includes(item.state)) return null;
  const place = h("div", {});
  api.get(`/cases/${item.case_id}/similar`).then((found) => {
    if (!found.length) return;
    place.replaceChildren(h("h3", {}, "疑似重复"), h("ul", {}, found.map((one) => h("li", {},
      h("span", { class: "mono" }, one.case_no || one.case_id), ` ${one.state_name}，相距 ${Math.round(one.distance_m)} 米，${shortTime(one.created_at)} 上报`,
      one.relation && `（${RELATIONS[one.relation] || one.relation}）`, one.description && h("p", { class: "hint" }, one.description)))));
  }, () => {});
  return place;
}

const tag = (text, kind) => h("span", { class: `tag ${kind}` }, text);

function facts(detail) {
  const { case: item, place } = detail;
  const rows = [
    ["案件号", item.case_no || "立案时编号", item.case_no ? "mono" : "hint"],
    ["类别", item.category ? [item.category.kind === "part" ? "部件" : "事件", item.category.major_name, title(item)].filter(Boolean).join(" / ") : ""],
    ["位置", [place ? areaNames(place.area) : "", item.address].filter(Boolean).join(" ")],
    ["单元网格", place?.cell15, "mono"],
    ["责任网格", place?.duty_grid_id, "mono"],
    ["来源", item.channel],
    ["上报时间", longTime(item.created_at)],
    ...custodyFacts(detail),
    ["立案条件", detail.condition],
    ["责任单位", item.unit_name && `${item.unit_name}（${item.unit_id}）`],
    ["被投诉单位", detail.complained_unit && `${detail.complained_unit}（回避）`],
    ["到场", detail.arrived_at && `${longTime(detail.arrived_at)}${detail.arrival_timeliness === "overdue" ? "（超时）" : ""}`],
    ["解决方式", detail.modes.map((m) => ({ service: "服务", manage: "管理", enforce: "执法" }[m] || m)).join(" → ")],
    ["处置时效", TIMELINESS[detail.timeliness]],
    ["恢复日期", detail.resume_on && longTime(detail.resume_on)],
    ["申诉", detail.appeal && APPEALS[detail.appeal.decision]],
    ["并入案件", detail.merged_into, "mono"],
    ["相关案件", detail.links.map((one) => `${RELATIONS[one.relation] || one.relation} ${one.case_id}`).join("；")],
  ];
  return h("dl", { class: "facts" }, rows.filter((r) => r[1]).map(([name, value, kind]) => [h("dt", {}, name), h("dd", { class: kind }, value)]));
}

function areaNames(area) {
  const codes = [area.city, area.county, area.street9, area.community12].filter(Boolean);
  const names = codes.map((code) => area.names?.[code]).filter(Boolean);
  return names.length ? names.join("") : codes.at(-1) || "";
}

function photos(detail) {
  const all = [...detail.media, ...detail.history.flatMap((line) => line.media)];
  const unique = [...new Map(all.map((m) => [m.sha256, m])).values()];
  if (!unique.length) return null;
  return h("div", { class: "photos" }, unique.map((media) => photo(detail.case.case_id, media)));
}

function photo(caseId, media) {
  const name = PHOTO_STAGES[media.stage] || media.stage;
  const image = h("img", { alt: `${name}照片`, class: "loading" });
  const figure = h("figure", {}, h("a", { target: "_blank", rel: "noopener" }, image), h("figcaption", {}, name));
  api.blob(`/cases/${caseId}/photos/${media.sha256}`).then(
    (data) => {
      const url = URL.createObjectURL(data);
      urls.push(url);
      image.src = figure.firstChild.href = url;
      image.className = "";
    },
    () => figure.firstChild.replaceWith(h("span", { class: "missing" }, "照片不在本级")),
  );
  return figure;
}

function limits(clocks) {
  if (!clocks.length) return null;
  return h("details", { class: "limits" },
    h("summary", {}, "时限说明"),
    h("ul", {}, clocks.map((c) => h("li", {},
      h("strong", {}, `${c.stage_name}：`), c.explanation,
      `。已用 ${words(c.used_s)}${c.stopped_at ? "，已停止" : c.running ? "" : "，暂停中"}`))));
}

function history({ history: lines, assignments }) {
  const units = new Map(assignments.map((a) => [a.unit_id, a.unit_name]));
  return h("section", { class: "history", "aria-label": "流转记录" },
    h("h3", {}, "流转记录"),
    h("ol", {}, [...lines].reverse().map((line) => h("li", { class: line.overdue ? "late" : "" },
      h("p", {}, h("strong", {}, line.action_name), line.result_name && `：${line.result_name}`, h("span", { class: "to" }, ` → ${line.state_name}`)),
      line.opinion && h("p", { class: "text" }, line.opinion),
      line.action === "recompute_deadline" && h("p", { class: "text" }, line.note),
      h("p", { class: "hint" }, [shortTime(line.ended_at), line.role_name, line.unit_name,
        units.has(line.receiver) && `交 ${units.get(line.receiver)}`, line.used_s > 0 && `用时 ${words(line.used_s)}`,
        line.overdue && "超时"].filter(Boolean).join(" · "))))));
}
