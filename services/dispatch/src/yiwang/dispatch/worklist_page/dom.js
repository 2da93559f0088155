// Small tools for making elements. Text is always text, never markup.

/** h("li", {class: "x", onclick: f}, "text", child, [children]) */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false && c !== ""));
  return element;
}

/** A pseudonym as short as people need it to tell two apart. */
export const shortRef = (ref) => (ref.length > 14 ? `${ref.slice(0, 10)}…` : ref);

export const $ = (id) => document.getElementById(id);

let hiding;
export function toast(text, bad = false) {
  const place = $("toast");
  place.textContent = text;
  place.className = bad ? "shown bad" : "shown";
  clearTimeout(hiding);
  hiding = setTimeout(() => (place.className = ""), bad ? 8000 : 4000);
}

const SHANGHAI = { timeZone: "Asia/Shanghai", hour12: false };
const moment = new Intl.DateTimeFormat("zh-CN", {
  ...SHANGHAI, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
});
const full = new Intl.DateTimeFormat("zh-CN", { ...SHANGHAI, dateStyle: "medium", timeStyle: "short" });
export const shortTime = (iso) => (iso ? moment.format(new Date(iso)).replace("/", "-") : "");
export const longTime = (iso) => (iso ? full.format(new Date(iso)) : "");

/** 3723 → 01:02:03, with days in front where there are any */
export function span(seconds) {
  const s = Math.abs(Math.trunc(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const clock = `${two(Math.floor((s % 86400) / 3600))}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
  return s >= 86400 ? `${Math.floor(s / 86400)}天 ${clock}` : clock;
}

/** 5400 → 1小时30分 */
export function words(seconds) {
  const s = Math.abs(Math.trunc(seconds));
  if (s < 60) return `${s}秒`;
  const [hours, minutes] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60)];
  return `${hours ? `${hours}小时` : ""}${minutes ? `${minutes}分` : hours ? "" : "0分"}`;
}
