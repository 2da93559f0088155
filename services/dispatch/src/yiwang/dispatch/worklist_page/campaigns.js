// Campaigns and ledgers: how far targets are reached, the lists, and one entry beside them. The address bar holds what is shown.

import * as api from "./api.js";
import { areaName, learn } from "./areas.js";
import { $, h, shortTime } from "./dom.js";
import { hideEntry, newEntry, showEntry } from "./entry.js";
import { guarded, run, showHolder } from "./frame.js";

const state = { campaigns: [], lists: [] };

function address() {
  const found = new URLSearchParams(location.hash.slice(1));
  return { campaign: found.get("campaign") || "", list: found.get("list") || "", entry: found.get("entry") || "", at: found.get("at") || "" };
}

function go(change) {
  const next = { ...address(), ...change };
  location.hash = new URLSearchParams(Object.entries(next).filter(([, v]) => v)).toString();
}

async function loadMenu() {
  [state.campaigns, state.lists] = await Promise.all([api.get("/campaigns"), api.get("/ledgers/lists")]);
  const here = address();
  const link = (words, name, mark, count) =>
    h("a", { href: `#${new URLSearchParams(words)}`, "aria-current": mark ? "true" : undefined }, name, count);
  const open = state.campaigns.filter((c) => c.campaign.state === "open");
  const ended = state.campaigns.filter((c) => c.campaign.state !== "open");
  const campaign = ({ campaign: c }) => link({ campaign: c.campaign_id }, c.title, here.campaign === c.campaign_id && !here.list);
  $("menu").replaceChildren(
    h("h2", {}, "进行中的专项"), ...(open.length ? open.map(campaign) : [h("p", { class: "hint empty" }, "暂无")]),
    ...(ended.length ? [h("h2", {}, "已结束"), ...ended.map(campaign)] : []),
    h("h2", {}, "台账与清单"),
    ...state.lists.map((l) => link({ list: l.name }, l.title, here.list === l.name && !here.campaign,
      h("span", { class: `count ${l.late ? "late" : l.n ? "some" : ""}`, title: l.late ? `其中超期 ${l.late} 条` : "" }, l.n.toLocaleString("zh-CN")))),
    h("h2", {}, "社区"), link({ at: "stations" }, "服务驿站", here.at === "stations"));
}

const number = (n) => h("td", { class: "n" }, n.toLocaleString("zh-CN"));
const rate = (pct) => h("td", { class: "n" }, pct === null ? "—" : `${pct}%`);
const head = (names) => h("thead", {}, h("tr", {}, names.map((n, at) => h("th", { scope: "col", class: at && n !== "说明" ? "n" : "" }, n))));

function sums(title, rows) {
  if (!rows.length) return null;
  return h("section", {}, h("h3", {}, title), h("table", { class: "wide" }, head(["", "排查", "整改", "验收", "满意", "反复", "超期", "整改率"]),
    h("tbody", {}, rows.map((s) => h("tr", {}, h("td", {}, s.name, s.as_of && h("span", { class: "hint" }, ` 截至 ${shortTime(s.as_of)}`)),
      [s.found, s.rectified, s.accepted, s.satisfied, s.reopened, s.overdue].map(number), rate(s.rate_pct))))));
}

function targets(view) {
  if (!view.targets.length) return null;
  const names = Object.fromEntries(view.units.map((u) => [u.key, u.name]));
  const row = (t) => {
    const of = [t.target.year && `${t.target.year}年`, areaName(t.target.area) || "全部区域", t.target.unit_id && (names[t.target.unit_id] || t.target.unit_id)];
    const asked = t.target.found || t.target.rectified;
    return h("tr", { class: t.late ? "late" : t.missing.length ? "short" : "" },
      h("td", {}, of.filter(Boolean).join(" · ")), number(t.target.found || 0), number(t.found), number(t.target.rectified || 0), number(t.rectified),
      rate(t.rate_pct), h("td", { class: "n" }, asked ? h("progress", { max: asked, value: Math.min(asked, t.target.found ? t.found : t.rectified), "aria-label": "进度" }) : ""),
      h("td", { class: "words" }, t.missing.length ? (t.late ? "已到期：" : "") + t.missing.join("，") : "已达标"));
  };
  return h("section", {}, h("h3", {}, "目标"), h("table", { class: "wide", id: "targets" },
    head(["对象", "应排查", "已排查", "应整改", "已整改", "整改率", "进度", "说明"]), h("tbody", {}, view.targets.map(row))));
}

/** How far the cases filed before the campaign are looked through; nothing once it is done. */
function takingIn(walk) {
  if (!walk || walk.phase === "done") return null;
  const n = (count) => count.toLocaleString("zh-CN");
  return h("p", { class: "hint", role: "status", id: "taking-in" },
    `${walk.phase_name}（${walk.percent}%）：已核对 ${n(walk.looked)} 件，纳入 ${n(walk.joined)} 件，移出 ${n(walk.gone)} 件`);
}

async function showCampaign(id) {
  const view = await api.get(`/campaigns/${encodeURIComponent(id)}`);
  const { campaign: c, total } = view;
  await learn([c.issuer, ...view.targets.map((t) => t.target.area)]);
  const figure = (name, value, late) => [h("div", {}, h("dt", {}, name), h("dd", { class: late ? "late" : "" }, value))];
  $("list").replaceChildren(...[
    h("header", {}, h("h2", {}, c.title), h("p", { class: "plan" }, h("span", {}, view.kind_name), h("span", {}, `${c.begins_on} 至 ${c.ends_on}`),
      c.basis && h("span", {}, `依据：${c.basis}`), h("span", {}, view.leads_here ? "本级牵头" : `${areaName(c.issuer)}牵头`), c.state !== "open" && h("span", {}, "已结束"))),
    h("dl", { class: "figures" }, figure("排查", total.found), figure("整改", total.rectified), figure("验收", total.accepted),
      figure("超期", total.overdue, total.overdue > 0), figure("整改率", total.rate_pct === null ? "—" : `${total.rate_pct}%`)),
    takingIn(view.taking_in), targets(view), sums("按区域", view.areas), sums("按责任单位", view.units), view.years.length > 1 && sums("按年度", view.years),
    sums("下级上报", view.below.map((b) => ({ ...b.sum, as_of: b.as_of }))),
    h("p", {}, h("a", { href: `#${new URLSearchParams({ campaign: id, list: "hazards" })}` }, "查看本专项台账")),
  ].filter(Boolean));
}

async function showList(more = "") {
  const { list, campaign } = address();
  const title = state.lists.find((l) => l.name === list)?.title || "台账";
  const ask = new URLSearchParams({ list, ...(campaign && { campaign_id: campaign }), ...(more && { cursor: more }) });
  const page = await api.get(`/ledgers?${ask}`);
  await learn(page.entries.map((e) => e.entry.area));
  const rows = page.entries.map((e) => h("tr", { "data-entry": e.entry.entry_id, onclick: () => go({ entry: e.entry.entry_id }) },
    h("td", {}, h("span", { class: `tag ${e.late ? "urgent" : ""}` }, e.late ? "整改超期" : e.state_name)), h("td", {}, e.grade_name),
    h("td", { class: "words" }, h("a", { href: `#${new URLSearchParams({ ...(campaign && { campaign }), list, entry: e.entry.entry_id })}` }, e.entry.summary_masked)),
    h("td", {}, areaName(e.entry.area)), h("td", {}, e.entry.unit_name || "待交办"), h("td", {}, shortTime(e.entry.due_at))));
  const table = $("list").querySelector("table.entries");
  if (more && table) table.tBodies[0].append(...rows);
  else {
    const campaigns = state.campaigns.filter((c) => c.campaign.state === "open");
    $("list").replaceChildren(h("header", {}, h("h2", {}, title)),
      rows.length ? h("table", { class: "wide entries" }, h("thead", {}, h("tr", {}, ["状态", "等级", "内容", "区划", "责任单位", "整改期限"].map((n) => h("th", { scope: "col" }, n)))), h("tbody", {}, rows)) : h("p", { class: "empty" }, "这里没有台账。"),
      newEntry(list === "problems" || list === "satisfied" ? "problem" : "hazard", campaign, campaigns, refresh));
  }
  $("list").querySelector("button.more")?.remove();
  if (page.cursor) $("list").querySelector("table.entries").after(h("button", { class: "more", onclick: () => guarded(() => showList(page.cursor)) }, "再显示一页"));
}

async function showStations() {
  const stations = await api.get("/stations");
  const state_ = (m) => h("td", { class: m.met ? "n" : "n words" }, `${m.done}/${m.least}`);
  const names = stations[0]?.mechanisms.map((m) => m.name) || [];
  $("list").replaceChildren(h("header", {}, h("h2", {}, "服务驿站"), h("p", { class: "hint" }, "本月各项机制：已做次数 / 应做次数")),
    stations.length ? h("table", { class: "wide" }, head(["驿站", ...names, "参与居民", "问题", "其中满意"]),
      h("tbody", {}, stations.map((s) => h("tr", { class: s.mechanisms.every((m) => m.met) ? "" : "short" }, h("td", {}, s.station.name), s.mechanisms.map(state_), number(s.residents), number(s.problems), number(s.satisfied)))))
      : h("p", { class: "empty" }, "您的辖区没有登记驿站。"));
}

async function show() {
  const here = address();
  if (here.at === "stations") await showStations();
  else if (here.list) await showList();
  else {
    const id = here.campaign || state.campaigns[0]?.campaign.campaign_id;
    if (id) await showCampaign(id);
    else $("list").replaceChildren(h("p", { class: "empty" }, "还没有专项。由领导或督查人员立项后在此显示进展。"));
  }
}

const refresh = async () => {
  await loadMenu();
  await follow();
};

async function follow() {
  const { entry } = address();
  await show();
  if (entry) await showEntry(entry, refresh, () => go({ entry: "" }));
  else hideEntry();
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && address().entry && !event.target.closest("form")) go({ entry: "" });
});
run({
  come: async (person) => {
    await showHolder(person);
    await refresh();
  },
  clear: hideEntry,
  follow: refresh,
});
