// Several cases of a queue at once: chosen by their boxes, taken in hand, let go, or moved on with one answer a case.

import * as api from "./api.js";
import { BESIDE } from "./desks.js";
import { h, shortRef, shortTime, toast } from "./dom.js";
import { sentence } from "./login.js";

/** queue → the actions that need no form, with their names */
const STEPS = {
  accept: [["accept", "受理"]],
  file: [["file", "立案"]],
  dispatch_city: [["dispatch_down", "派遣到区"]],
  dispatch: [["dispatch", "按责任清单派遣"]],
  confirm: [["dept_confirm", "确认处置结果"]],
  gate: [["pass", "反馈通过"]],
};
const MOST = 100;
const chosen = new Set();

export const batching = (queue) => !BESIDE.has(queue);

/** Who has a case in hand. */
export const claimMark = (item) =>
  item.claimed_by && h("span", { class: "tag claim", title: `认领至 ${shortTime(item.claimed_until)}` },
    item.claimed_by === api.holder()?.sub ? "本人认领" : `${shortRef(item.claimed_by)} 认领`);

/** The box of a line; `changed` is called when it is ticked. */
export function box(item, changed) {
  const tick = h("input", { type: "checkbox", "aria-label": `选择案件 ${item.case_no || item.case_id}`, checked: chosen.has(item.case_id) });
  tick.addEventListener("change", () => {
    if (tick.checked) chosen.add(item.case_id);
    else chosen.delete(item.case_id);
    changed();
  });
  return h("span", { class: "tick", onclick: (event) => event.stopPropagation() }, tick);
}

/** The bar above the list, empty while nothing is chosen; only what is shown may stay chosen. */
export function batchBar(queue, cases, refresh) {
  const shown = new Map(cases.map((c) => [c.case_id, c]));
  for (const id of [...chosen]) if (!shown.has(id)) chosen.delete(id);
  if (!chosen.size || !batching(queue)) return null;
  const trouble = h("ul", { class: "trouble", role: "alert" });
  const picked = () => [...chosen].slice(0, MOST).map((id) => shown.get(id));
  const name = (item) => item?.case_no || item?.case_id.slice(0, 8) || "";

  async function run(event, call) {
    const button = event.currentTarget;
    button.disabled = true;
    trouble.replaceChildren();
    try {
      const refused = await call();
      for (const [item, text] of refused) trouble.append(h("li", {}, `${name(item)}：${text}`));
      if (!refused.length) chosen.clear();
      await refresh(refused.length > 0);
    } finally {
      button.disabled = false;
    }
  }
  const each = (what, body, done) => async () => {
    const refused = [];
    for (const item of picked()) {
      try {
        await api.send(`/cases/${item.case_id}/${what}`, body(item));
      } catch (refusal) {
        refused.push([item, sentence(refusal)]);
      }
    }
    toast(`${done} ${picked().length - refused.length} 件`, refused.length > 0);
    return refused;
  };
  const all = (action, title) => async () => {
    const cases_ = picked().map((item) => ({ no: item.case_id, version: item.version }));
    try {
      const answer = await api.send(`/cases/batch/${action}`, { cases: cases_, body: {} }, crypto.randomUUID?.() || `${Date.now()}-${Math.random()}`);
      toast(`${title}：办理 ${answer.done} 件${answer.refused ? `，${answer.refused} 件未办` : ""}`, answer.refused > 0);
      for (const one of answer.cases) if (one.status === 200) chosen.delete(one.no);
      return answer.cases.filter((one) => one.status !== 200).map((one) => [shown.get(one.no), `${one.detail}（${one.do}）`]);
    } catch (refusal) {
      toast(sentence(refusal), true);
      return [];
    }
  };
  return h("div", { class: "batch", role: "group", "aria-label": "批量办理" },
    h("span", {}, `已选 ${chosen.size} 件`),
    h("button", { type: "button", "data-batch": "claim", onclick: (e) => run(e, each("claim", () => ({ queue }), "已认领")) }, "认领"),
    h("button", { type: "button", "data-batch": "release", onclick: (e) => run(e, each("release", () => ({}), "已释放")) }, "释放"),
    (STEPS[queue] || []).map(([action, title]) =>
      h("button", { type: "button", class: "main", "data-batch": action, onclick: (e) => run(e, all(action, title)) }, title)),
    trouble);
}
