// 吹哨报到: a community calls units; each answers, comes, and the lead settles the matter; the community judges.

import * as api from "./api.js";
import { countdown } from "./countdown.js";
import { h, shortTime } from "./dom.js";
import { area, choice, field, form, here, holds, once, postsOf, ticks } from "./forms.js";

const CALLERS = ["community_worker", "acceptor"];
const OF_UNITS = ["dept_operator", "handler"];
const stateOf = (one) => one.whistle.state || "called";

/** The whistles that are under way, those to be judged, and on demand those that ended. */
export async function whistleDesk(refresh) {
  const [called, resolved] = await Promise.all([api.get("/cases/whistles?state=called"), api.get("/cases/whistles?state=resolved")]);
  const shown = [...called.whistles, ...resolved.whistles];
  const mine = shown.filter((one) => waitsForMe(one));
  const ended = h("div", {});
  const more = h("button", { type: "button", class: "more", onclick: async () => {
    const page = await api.get("/cases/whistles");
    ended.replaceChildren(...page.whistles.filter((one) => ["scored", "withdrawn"].includes(stateOf(one))).map((one) => card(one, refresh)));
    if (!ended.children.length) ended.append(h("p", { class: "empty" }, "最近没有已结束的吹哨。"));
    more.remove();
  } }, "显示最近已结束的");
  return {
    count: mine.length,
    late: mine.filter((one) => one.late.length).length,
    element: h("div", { class: "desk" },
      holds(...CALLERS) && h("div", { class: "deskbar" }, blowForm(refresh)),
      shown.length ? shown.map((one) => card(one, refresh)) : h("p", { class: "empty" }, "没有进行中的吹哨。"),
      more, ended),
  };
}

function waitsForMe(one) {
  if (stateOf(one) === "resolved") return holds(...CALLERS);
  const units = myUnits();
  const lead = leadOf(one.whistle);
  return one.whistle.units.some((u) => units.has(u.call.unit_id) && (!u.arrived_at || u === lead));
}

const myUnits = () => new Set(postsOf(...OF_UNITS).map((post) => post.unit_id));
const leadOf = (whistle) => whistle.units.find((u) => u.call.role === "lead") || whistle.units[0];

/** `about`: a case that it is about. */
export function blowForm(refresh, about = null) {
  const load = async () => {
    const choices = await api.get("/cases/whistles/choices");
    const units = choices.units.map((u) => [u.unit_id, u.name]);
    const areas = [...new Set(postsOf(...CALLERS).flatMap((post) => post.areas))];
    return [
      choice("kind", "类别", choices.kinds.map((k) => [k.code, k.name])),
      field("area", "所在区划代码", { required: true, pattern: "[0-9A-Z]{6,12}", value: about?.area || (areas.length === 1 ? areas[0] : undefined) }),
      area("summary_masked", "事项（必填，不写姓名和门牌）", { required: true, maxlength: 500, value: about?.description }),
      choice("lead", "主责单位", [["", "请选择"], ...units], { required: true }),
      ticks("co", "协同单位（可不选）", units),
      field("address_masked", "位置（可不填）", { maxlength: 200, value: about?.address || undefined }),
      !about && field("case_no", "相关案件号（可不填）", { maxlength: 100, pattern: "[0-9A-Za-z._:/\\-]*" }),
    ];
  };
  const send = (words, element) => {
    const co = [...element.querySelectorAll("input[name=co]:checked")].map((tick) => tick.value);
    const body = {
      kind: words.kind, area: words.area.trim(), summary_masked: words.summary_masked, address_masked: words.address_masked,
      units: [words.lead, ...co.filter((unit) => unit !== words.lead)], case_no: about?.case_no || words.case_no || "",
    };
    return api.send("/cases/whistles", body, once());
  };
  return form(about ? "就此案吹哨" : "吹哨", load, send, refresh, { opinion: "", main: !about, confirm: "吹哨" });
}

function card(one, refresh) {
  const { whistle } = one;
  const state = stateOf(one);
  const place = [whistle.place?.area?.names?.[whistle.area] || whistle.area, whistle.place?.address_masked].filter(Boolean).join(" ");
  return h("article", { class: "card-line", "data-whistle": whistle.whistle_id },
    h("header", {},
      h("span", { class: `tag ${state === "called" ? "warn" : "closed"}` }, one.state_name),
      h("span", { class: "tag" }, one.kind_name),
      one.late.length > 0 && h("span", { class: "tag late" }, "超时"),
      state === "called" && h("span", { class: "right hint" }, "办结期限 ", due(whistle.resolve_by)),
      state === "scored" && h("span", { class: "right" }, h("strong", {}, whistle.score || 0), " 分")),
    h("p", { class: "text strong" }, whistle.summary_masked),
    h("p", { class: "hint" }, [place, `${shortTime(whistle.blown_at)} 吹哨`,
      whistle.case_no && `案件 ${whistle.case_no}`].filter(Boolean).join(" · ")),
    h("table", { class: "plain units" }, h("tbody", {}, whistle.units.map((unit) => unitLine(unit, state === "called")))),
    one.late.length > 0 && h("p", { class: "trouble" }, one.late.join("；")),
    whistle.result_masked && h("p", {}, h("strong", {}, "办结："), whistle.result_masked,
      whistle.absent_reason && h("span", { class: "hint" }, `（未到场：${whistle.absent_reason}）`)),
    state === "scored" && h("p", { class: "hint" }, whistle.satisfied ? "社区满意" : "社区不满意"),
    h("div", { class: "bar" }, actions(whistle, state, refresh)));
}

const due = (iso) => countdown({ remaining_s: Math.round((new Date(iso) - Date.now()) / 1000), due_at: iso, state: "" });

function unitLine(unit, open) {
  const step = (done, by, word) => done ? h("td", { class: new Date(done) > new Date(by) ? "late" : "ok" }, `${shortTime(done)} ${word}`)
    : h("td", { class: open && new Date(by) < Date.now() ? "late" : "hint" }, open ? `${shortTime(by)} 前${word}` : `未${word}`);
  return h("tr", {},
    h("td", {}, unit.call.unit_name || unit.call.unit_id, h("span", { class: "hint" }, unit.call.role === "lead" ? "（主责）" : "")),
    step(unit.responded_at, unit.call.respond_by, "响应"), step(unit.arrived_at, unit.call.arrive_by, "报到"));
}

function actions(whistle, state, refresh) {
  const post = (step, body) => api.send(`/cases/whistles/${encodeURIComponent(whistle.whistle_id)}/${step}`, body, once());
  const found = [];
  const units = myUnits();
  if (state === "called") {
    for (const unit of whistle.units.filter((u) => units.has(u.call.unit_id))) {
      const unit_id = unit.call.unit_id;
      if (!unit.arrived_at) {
        if (!unit.responded_at) found.push(form("响应", [], (w) => post("respond", { unit_id, statement: w.opinion }), refresh, { opinion: "说明", main: true }));
        found.push(form("报到", () => here(), (w) => post("arrive", { unit_id, statement: w.opinion, point: w.point ? JSON.parse(w.point) : null }),
          refresh, { opinion: "到场说明（可用位置代替）", main: Boolean(unit.responded_at) }));
      }
    }
    const lead = leadOf(whistle);
    if (units.has(lead.call.unit_id) && lead.arrived_at) {
      const absent = whistle.units.some((u) => !u.arrived_at);
      found.push(form("办结", [area("result_masked", "办理结果（必填）", { required: true }),
        absent && area("absent_reason", "未到场单位为何不需到场（必填）", { required: true })],
      (w) => post("resolve", { result_masked: w.result_masked, absent_reason: w.absent_reason || "" }), refresh, { opinion: "", main: true }));
    }
    if (holds(...CALLERS)) found.push(form("撤哨", [], (w) => post("withdraw", { opinion: w.opinion }), refresh, { required: true }));
  }
  if (state === "resolved" && holds(...CALLERS)) {
    const names = whistle.units.map((u) => [u.call.unit_id, u.call.unit_name || u.call.unit_id]);
    found.push(form("评价", [choice("satisfied", "是否满意", [["yes", "满意"], ["no", "不满意"]]), ticks("dissatisfied_with", "对哪些单位不满意（可不选）", names)],
      (w, element) => post("score", {
        satisfied: w.satisfied === "yes", opinion: w.opinion,
        dissatisfied_with: [...element.querySelectorAll("input[name=dissatisfied_with]:checked")].map((tick) => tick.value),
      }), refresh, { opinion: "意见（不满意时必填）", main: true }));
  }
  return found;
}
