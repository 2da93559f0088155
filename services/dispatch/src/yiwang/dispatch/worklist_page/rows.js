// Lines of cases in tables: the same seven columns wherever cases are listed.

import { countdown } from "./countdown.js";
import { h, shortTime } from "./dom.js";

export const title = (item) => (item.category ? item.category.minor_name || item.category.minor : "未定类别");
const ASKS = { extension: "延期待批", hang: "挂账待批", appeal: "申诉待审" };
export const askMarks = (item) => (item.asks || []).map((kind) => h("span", { class: "tag ask" }, ASKS[kind] || kind));

/** `rows`: {item, key, tags, left, unit}; what isn't given is the case's own. */
export function caseTable(rows, queue) {
  return table(rows.map((row) => caseLine(row, queue)));
}

export function table(lines) {
  const head = ["案件号", "剩余时间", "状态", "上报", "类别", "位置", "责任单位"];
  return h("table", { class: "cases" },
    h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, lines));
}

export function caseLine({ item, tags = null, left = null, unit = "", pick = null }, queue) {
  const href = `#${new URLSearchParams({ queue, case: item.case_id })}`;
  const place = [item.area_name || item.area, item.address].filter(Boolean).join(" ");
  return h("tr", { "data-case": item.case_id, onclick: () => (location.hash = href) },
    h("td", { class: "no" }, pick, h("a", { href, class: "mono" }, item.case_no || `未编号 ${item.case_id.slice(0, 8)}`)),
    h("td", { class: "left" }, left || countdown(item)),
    h("td", { class: "state" }, tags || h("span", { class: `tag ${item.state}` }, item.state_name), item.urgency === "urgent" && h("span", { class: "tag urgent" }, "紧急"), askMarks(item)),
    h("td", { class: "at" }, shortTime(item.created_at)),
    h("td", { class: "what" }, item.category?.major_name && h("span", { class: "major" }, `${item.category.major_name} / `), title(item)),
    h("td", { class: "where" }, place),
    h("td", { class: "unit" }, unit || item.unit_name));
}
