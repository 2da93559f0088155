// The inspectors' desk: their own tasks and patrols; and the desk of those who give patrols.

import * as api from "./api.js";
import { countdown } from "./countdown.js";
import { h, shortTime } from "./dom.js";
import { china, field, form, holds, once, postsOf } from "./forms.js";
import { caseTable } from "./rows.js";

export const GIVERS = ["acceptor", "dispatcher", "shift_leader", "supervisor", "leader"];
const LEADS = ["shift_leader", "supervisor", "leader"];
const STATES = { open: "待巡查", done: "已完成", expired: "已过期" };

/** 我的任务: patrols first, then cases to verify or to check. */
export async function taskDesk(refresh) {
  const { cases, patrols } = await api.get("/tasks/mine");
  const empty = !cases.length && !patrols.length;
  return {
    count: cases.length + patrols.length,
    late: cases.filter((c) => c.remaining_s !== null && c.remaining_s < 0).length,
    element: h("div", { class: "desk" },
      empty && h("p", { class: "empty" }, "现在没有派给您的任务。"),
      patrols.map((one) => patrolCard(one, refresh, true)),
      cases.length > 0 && caseTable(cases.map((item) => ({ item })), "tasks")),
  };
}

const today = () => new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10);
let day = "";

/** 巡查任务: give one, see those that end on a day, and where inspectors were last. */
export async function patrolDesk(refresh) {
  const leads = holds(...LEADS);
  const [patrols, positions] = await Promise.all([
    api.get(`/tasks/patrols?${new URLSearchParams({ day: day || today() })}`), leads ? api.get("/tasks/positions") : [],
  ]);
  const open = patrols.filter((one) => one.state === "open");
  return {
    count: open.length,
    late: 0,
    element: h("div", { class: "desk" },
      h("div", { class: "deskbar" }, giveForm(refresh),
        h("label", { class: "day" }, "截止日期 ", h("input", { type: "date", value: day || today(), onchange: (event) => {
          day = event.currentTarget.value;
          refresh();
        } }))),
      patrols.length ? patrols.map((one) => patrolCard(one, refresh, false)) : h("p", { class: "empty" }, "没有这一天截止的巡查任务。"),
      positions.length > 0 && h("article", { class: "card-line" }, h("h3", {}, "采集员最近位置（30 分钟内）"),
        h("table", { class: "plain" }, h("tbody", {}, positions.map((p) => h("tr", {}, h("td", {}, p.person_ref),
          h("td", { class: "mono" }, `${p.lon.toFixed(5)}, ${p.lat.toFixed(5)}`), h("td", { class: "hint" }, shortTime(p.at)))))))),
  };
}

function patrolCard(one, refresh, mine) {
  const left = Math.round((new Date(one.due_at) - Date.now()) / 1000);
  return h("article", { class: "card-line", "data-patrol": one.task_id },
    h("header", {},
      h("span", { class: `tag ${one.state === "open" ? "warn" : one.state === "done" ? "closed" : "late"}` }, STATES[one.state]),
      h("strong", {}, one.what || "巡查责任网格"),
      one.state === "open" && h("span", { class: "right" }, countdown({ remaining_s: left, due_at: one.due_at, state: "" }))),
    h("p", { class: "hint" }, [one.duty_grid_id && `责任网格 ${one.duty_grid_id}`, one.area, one.person_ref && `采集员 ${one.person_ref}`,
      `${shortTime(one.starts_at)} 至 ${shortTime(one.due_at)}`].filter(Boolean).join(" · ")),
    one.state === "done" && h("p", {}, `发现问题 ${one.found} 个`, one.note && `；${one.note}`, h("span", { class: "hint" }, ` ${shortTime(one.done_at)} ${one.done_by}`)),
    mine && one.state === "open" && h("div", { class: "bar" }, form("完成巡查", [field("found", "发现并上报的问题数", { type: "number", min: 0, max: 1000, value: 0, required: true })],
      (w) => api.send(`/tasks/patrols/${one.task_id}/done`, { found: Number(w.found), note: w.opinion }, once()), refresh, { opinion: "说明", main: true })));
}

function giveForm(refresh) {
  const areas = [...new Set(postsOf(...GIVERS).flatMap((post) => post.areas))];
  return form("派巡查任务", [
    field("what", "巡查什么", { required: true, maxlength: 500 }),
    field("area", "区划代码", { required: true, pattern: "[0-9A-Z]{6,15}", value: areas.length === 1 ? areas[0] : undefined }),
    field("duty_grid_id", "责任网格（与采集员至少填一项）", { maxlength: 100 }),
    field("person_ref", "采集员编号（可不填）", { maxlength: 100 }),
    field("due_at", "何时之前完成", { type: "datetime-local", required: true }),
  ], (w) => {
    day = w.due_at.slice(0, 10);
    return api.send("/tasks/patrols", { ...w, due_at: china(w.due_at) }, once());
  }, refresh, { opinion: "", main: true, confirm: "派出" });
}
