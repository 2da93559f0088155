// Work that several units share (主办、协办): the co-units' own list, and the parts on a case; requests that wait for words.

import * as api from "./api.js";
import { countdown } from "./countdown.js";
import { h, longTime, shortRef, shortTime, toast } from "./dom.js";
import { PARTS } from "./fields.js";
import { sentence } from "./login.js";
import { caseTable } from "./rows.js";

const KINDS = { extension: "延期", hang: "挂账" };
export const ROLES = { dept_operator: "部门", dispatcher: "派遣员", shift_leader: "值班长", leader: "领导", acceptor: "受理员" };

/** 协办事项: the parts of the caller's units, the nearest deadline first. */
export async function partDesk() {
  const { parts } = await api.get("/cases/parts?limit=200");
  const rows = parts.map((one) => ({
    item: one.case,
    tags: h("span", { class: `tag ${one.state === "waiting" ? "warn" : "handling"}` }, PARTS[one.state]),
    left: countdown({ remaining_s: one.remaining_s, due_at: one.due_at, state: "" }),
    unit: `主办 ${one.case.unit_name}`,
  }));
  return {
    count: parts.length,
    late: parts.filter((one) => one.remaining_s < 0).length,
    element: h("div", { class: "desk" }, rows.length ? caseTable(rows, "parts") : h("p", { class: "empty" }, "没有本单位协办的事项。")),
  };
}

/** The parts of co-units on a case: who, how far, until when. */
export function partList({ subtasks, clocks }) {
  if (!subtasks.length) return null;
  const open = new Set(["waiting", "handling", "handled"]);
  return h("section", { "aria-label": "协办" }, h("h3", {}, "协办"), h("table", { class: "plain" }, h("tbody", {}, subtasks.map((part) => {
    const state = part.state || "waiting";
    const clock = clocks.find((c) => c.clock_id === part.assignment.clock.clock_id);
    return h("tr", {}, h("td", {}, part.assignment.unit_name || part.assignment.unit_id,
      part.handler_ref && h("span", { class: "hint" }, ` ${part.handler_ref}`)),
    h("td", {}, h("span", { class: `tag ${state === "confirmed" ? "closed" : open.has(state) ? "handling" : ""}` }, PARTS[state]),
      part.timeliness === "overdue" && h("span", { class: "tag late" }, "超时"), part.rework_count > 0 && h("span", { class: "tag warn" }, `返工 ${part.rework_count} 次`)),
    h("td", { class: "hint" }, open.has(state) ? `限 ${shortTime(clock?.due_at || part.assignment.clock.due_at)}` : part.reason || ""));
  }))));
}

/** A limit in several steps: what is done, what runs until when, what comes. */
export function stepList({ steps }) {
  if (!steps.length) return null;
  const marks = { done: ["closed", "已办结"], running: ["handling", "进行中"], waiting: ["", "未开始"] };
  return h("section", { "aria-label": "分步时限" }, h("h3", {}, "分步时限"), h("table", { class: "plain" }, h("tbody", {}, steps.map((one) => {
    const [kind, word] = marks[one.state];
    return h("tr", { "data-step": one.name }, h("td", {}, one.name, h("span", { class: "hint" }, ` ${one.limit} ${one.unit_name}`)),
      h("td", {}, h("span", { class: `tag ${kind}` }, word), one.overdue && h("span", { class: "tag late" }, "超时")),
      h("td", { class: "hint" }, one.state === "running" ? `限 ${shortTime(one.due_at)}` : one.done_at ? shortTime(one.done_at) : ""));
  }))));
}

/** Who has the case in hand, and taking it or letting it go. */
export function claimPart({ case: item, custody }, done) {
  if (custody.read_only || !item.queue) return null;
  const mine = item.claimed_by && item.claimed_by === api.holder()?.sub;
  const press = (what, word) => h("button", { type: "button", class: "plain", "data-claim": what, onclick: async (event) => {
    event.currentTarget.disabled = true;
    try {
      await api.send(`/cases/${item.case_id}/${what}`, {});
      toast(word);
      await done();
    } catch (refusal) {
      toast(sentence(refusal), true);
    }
  } }, what === "claim" ? "认领" : "释放");
  return h("p", { class: "claimed" }, mine ? `本人认领至 ${shortTime(item.claimed_until)} ` : item.claimed_by ? `${shortRef(item.claimed_by)} 认领至 ${shortTime(item.claimed_until)} ` : "",
    mine ? press("release", "已释放") : press("claim", "已认领"));
}

/** What was asked for and isn't decided: why, for how long, and whose word it waits for. */
export function requestList({ requests, appeal }) {
  const asked = requests.map((one) => ({ ...one, name: `${KINDS[one.kind] || one.kind}申请`, at: one.requested_at }));
  if (appeal && !appeal.decision) asked.push({ ...appeal, name: "超时申诉", at: appeal.appealed_at });
  if (!asked.length) return null;
  return h("section", { "aria-label": "待审批" }, asked.map((one) => h("div", { class: "asked" },
    h("p", {}, h("strong", {}, one.name), one.engineering && h("span", { class: "tag warn" }, "工程类"),
      h("span", { class: "hint" }, ` ${shortTime(one.at)}${one.resume_on ? `，恢复日期 ${longTime(one.resume_on).slice(0, 10)}` : ""}`)),
    one.opinion && h("p", { class: "text" }, one.opinion),
    h("ol", { class: "path" }, one.path.map((role, n) => h("li", { class: n < (one.level || 0) ? "done" : n === (one.level || 0) ? "now" : "" },
      ROLES[role] || role, h("span", { class: "hint" }, n < (one.level || 0) ? "已同意" : n === (one.level || 0) ? "待审批" : "")))))));
}
