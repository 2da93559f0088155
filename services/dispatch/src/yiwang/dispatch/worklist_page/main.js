// The worklist: queues, the list of the chosen queue, and the case beside it. The address bar holds what is shown.

import * as api from "./api.js";
import { batchBar, batching, box, claimMark } from "./batch.js";
import { hideCase, showCase } from "./case.js";
import { BESIDE, loadDesks } from "./desks.js";
import { $, h } from "./dom.js";
import { guarded, run, showHolder } from "./frame.js";
import { caseLine, table } from "./rows.js";
import { awayMark } from "./tiers.js";

const REFRESH_MS = 20000;
const BESIDE_QUEUES = { community_worker: "社区网格员", supervisor: "督查员" };
const SIDE = new Set(["approve", "supervise"]);
const state = { queue: "", cases: [], cursor: "", queues: [], desks: [] };

function address() {
  const found = new URLSearchParams(location.hash.slice(1));
  return { queue: found.get("queue") || "", no: found.get("case") || "" };
}

function go(change) {
  const next = { ...address(), ...change };
  const words = new URLSearchParams(Object.entries({ queue: next.queue, case: next.no }).filter(([, v]) => v));
  location.hash = words.toString();
}

async function loadQueues() {
  [state.queues, state.desks] = await Promise.all([api.get("/cases/queues"), loadDesks(refresh)]);
  const { queue } = address();
  const wanted = ["all", "subtree"].includes(queue) || [...state.queues, ...state.desks].some((q) => q.queue === queue);
  const first = state.queues.find((q) => q.waiting) || state.desks.find((d) => d.count) || state.queues[0] || state.desks[0];
  state.queue = wanted ? queue : first?.queue || "all";
  const items = [];
  let role = "";
  for (const one of state.queues) {
    if (one.role !== role) items.push(h("h2", {}, (role = one.role) && one.role_name));
    items.push(queueLink(one.queue, one.name, one.waiting, one.late));
  }
  let group = "";
  for (const desk of state.desks) {
    if (desk.group !== group) items.push(h("h2", {}, (group = desk.group)));
    items.push(queueLink(desk.queue, desk.name, desk.count, desk.late));
  }
  items.push(h("h2", {}, "查询"), queueLink("all", "本级案件", null, 0), queueLink("subtree", "本级、下级和已移交案件", null, 0));
  $("queues").replaceChildren(...items);
}

function queueLink(queue, name, waiting, late) {
  return h("a", { href: `#queue=${queue}`, "aria-current": state.queue === queue ? "true" : undefined, "data-queue": queue },
    name,
    waiting !== null && h("span", { class: `count ${late ? "late" : waiting ? "some" : ""}`, title: late ? `其中超时 ${late} 件` : "" },
      waiting.toLocaleString("zh-CN")));
}

async function loadList(more = false) {
  const form = $("search");
  const ask = new URLSearchParams();
  const desk = state.desks.find((one) => one.queue === state.queue);
  form.hidden = Boolean(desk);
  if (desk) {
    $("batch").replaceChildren();
    if (!document.querySelector(`#list[data-shown="${desk.queue}"] details[open]`)) $("list").replaceChildren(desk.element);
    $("list").dataset.shown = desk.queue;
    mark();
    return;
  }
  $("list").dataset.shown = state.queue;
  const narrowed = form.q.value.trim() || form.overdue.checked;
  let from = "/cases";
  if (state.queue === "subtree") ask.set("scope", "subtree");
  else if (state.queue !== "all") {
    ask.set("limit", "100");
    if (narrowed && !SIDE.has(state.queue)) ask.set("queue", state.queue);
    else {
      from = `/cases/queues/${state.queue}`;
      ask.set("whose", form.whose.value);
    }
  }
  if (from === "/cases" && form.q.value.trim()) ask.set("q", form.q.value.trim());
  if (from === "/cases" && form.overdue.checked) ask.set("overdue", "true");
  if (more) ask.set("cursor", state.cursor);
  const page = await api.get(`${from}?${ask}`);
  state.cases = more ? [...state.cases, ...page.cases] : page.cases;
  if (!BESIDE.has(state.queue)) state.cases.sort((a, b) => (a.remaining_s ?? Infinity) - (b.remaining_s ?? Infinity));
  state.cursor = page.cursor;
  $("sum").textContent = `${state.cursor ? "已显示" : "共"} ${state.cases.length} 件`;
  showList();
}

function showList() {
  const focused = document.activeElement?.closest?.("#list a")?.getAttribute("href");
  if (!state.cases.length) {
    $("list").replaceChildren(h("p", { class: "empty" }, "这里没有待办案件。"));
    showBatch();
    return;
  }
  const picks = batching(state.queue);
  const lines = table(state.cases.map((item) => caseLine({ item, tags: tags(item), pick: picks && box(item, showBatch) }, state.queue)));
  const more = state.cursor && h("button", { class: "more", onclick: () => guarded(() => loadList(true)) }, "再显示一页");
  $("list").replaceChildren(...[lines, more].filter(Boolean));
  showBatch();
  mark();
  if (focused) $("list").querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

/** The bar of what may be done to the chosen cases; refusals of the last batch stay until the next one. */
function showBatch() {
  const bar = batchBar(state.queue, state.cases, async (keep) => {
    const told = keep ? $("batch").querySelector(".trouble") : null;
    await refresh();
    const place = $("batch").querySelector(".trouble");
    if (told && place) place.replaceWith(told);
    else if (told) $("batch").append(told);
  });
  $("batch").replaceChildren(...[bar].filter(Boolean));
}

const tags = (item) => [h("span", { class: `tag ${item.state}` }, item.state_name), awayMark(item), claimMark(item)];

function mark() {
  const { no } = address();
  for (const row of document.querySelectorAll("#list tr[data-case]")) {
    row.toggleAttribute("aria-selected", row.dataset.case === no);
    row.classList.toggle("chosen", row.dataset.case === no);
  }
}

const refresh = async () => {
  await loadQueues();
  await loadList();
};

async function follow() {
  const { queue, no } = address();
  if (queue && queue !== state.queue) await refresh();
  mark();
  if (no) await showCase(no, refresh, leave);
  else hideCase();
}

function leave() {
  const { no } = address();
  go({ queue: state.queue, no: "" });
  document.querySelector(`#list tr[data-case="${CSS.escape(no)}"] a`)?.focus();
}

async function come(person) {
  await refresh();
  const beside = (person.posts || []).map((p) => BESIDE_QUEUES[p.role]);
  await showHolder(person, [...new Set([...state.queues.map((q) => q.role_name), ...beside].filter(Boolean))].join("、"));
  await follow();
}

function keys(event) {
  if (event.key === "Escape" && address().no && !event.target.closest("form.act, form.beside")) leave();
  if (!event.target.closest("#list") || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const links = [...document.querySelectorAll("#list td.no a")];
  const at = links.indexOf(document.activeElement);
  const next = links[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  guarded(() => loadList());
});
for (const field of [$("search").overdue, $("search").whose]) field.addEventListener("change", () => guarded(() => loadList()));
addEventListener("keydown", keys);
setInterval(() => api.token() && !document.hidden && guarded(refresh), REFRESH_MS);
run({ come, clear: hideCase, follow });
