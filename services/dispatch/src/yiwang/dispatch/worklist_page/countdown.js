// 剩余时间: counts down every second from the server's answer, so a wrong clock on this machine doesn't matter.

import { h, longTime, span } from "./dom.js";

const HOUR = 3600;
const running = new Set();

export function countdown(item) {
  if (item.remaining_s === null || item.remaining_s === undefined) {
    return h("span", { class: "clock none" }, ["closed", "voided"].includes(item.state) ? "—" : "不计时");
  }
  const element = h("time", { class: "clock", datetime: item.due_at, title: `应于 ${longTime(item.due_at)} 前办结本环节` });
  const clock = { element, from: performance.now(), left: item.remaining_s };
  running.add(new WeakRef(clock.element));
  element.clock = clock;
  show(element);
  return element;
}

function show(element) {
  const { from, left } = element.clock;
  const now = left - (performance.now() - from) / 1000;
  const late = now < 0;
  element.textContent = (late ? "超时 " : "") + span(now);
  element.className = `clock ${late ? "late" : now < HOUR ? "soon" : "calm"}`;
}

setInterval(() => {
  for (const ref of running) {
    const element = ref.deref();
    if (!element || (!element.isConnected && performance.now() - element.clock.from > 5000)) running.delete(ref);
    else show(element);
  }
}, 1000);
