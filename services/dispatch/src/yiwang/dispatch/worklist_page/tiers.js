// Who has a case: hand-over between nodes, offers that wait for an answer, supervision and its reply, return visits.

import * as api from "./api.js";
import { h, longTime, shortTime, toast } from "./dom.js";
import { sentence } from "./login.js";

const SENDERS = ["acceptor", "shift_leader", "dispatcher", "leader"];
const DIRECTORS = ["supervisor", "leader"];
const KINDS = { timeout: "超时督办", leader: "领导督办", important: "重要事项督办" };
const ACTIONS = [["supervise", "督办"], ["recall", "收回本级办理"], ["assign", "指定其他区域办理"]];
const SCORES = ["未联系上", "非常满意", "满意", "基本满意", "不满意", "非常不满意"];
const once = () => (crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`);
const holds = (...roles) => (api.holder()?.posts || []).some((post) => roles.includes(post.role));

/** A mark on the line of a list: who has the case, and as of when it is known here. */
export const awayMark = (item) =>
  item.custodian && h("span", { class: "tag away", title: `截至 ${longTime(item.as_of)}` }, `${item.custodian_name}主办`);

/** Rows of the facts. */
export const custodyFacts = ({ custody }) => [
  ["主办", (custody.read_only || custody.epoch > 1) && `${custody.custodian_name}${custody.read_only ? "（本级只能查看）" : ""}`],
  ["数据截至", custody.as_of && longTime(custody.as_of)],
  ["上报受理地", custody.taken_by !== custody.custodian && custody.taken_by_name],
  ["移交中", custody.offer && `待${custody.offer.to_name}接收（${custody.offer.cause_name}），${shortTime(custody.offer.offered_at)} 发起${custody.offer.late ? "，逾期未接收" : ""}`],
];

/** What people may do about custody and supervision of a case. */
export function custodyPart(detail, done) {
  const { case: item, custody } = detail;
  const over = ["closed", "voided"].includes(item.state);
  const parts = [supervisions(detail, done)];
  if (!over && !custody.read_only && holds(...SENDERS)) {
    parts.push(custody.offer
      ? form("撤回移交", [], (words) => api.send(`/cases/${item.case_id}/withdraw_offer`, { opinion: words.opinion, version: item.version }, once()), done)
      : form("移交其他平台", [field("area", "移交到的区划代码（不填则按管理模式）", { pattern: "[0-9]{6,12}" })],
        (words) => api.send(`/cases/${item.case_id}/hand_over`, { ...words, version: item.version }, once()), done, true));
  }
  if (!over && holds(...DIRECTORS)) parts.push(directive(detail, done));
  const shown = parts.filter(Boolean);
  return shown.length ? h("section", { class: "custody", "aria-label": "移交与督办" }, h("h3", {}, "移交与督办"), shown) : null;
}

function supervisions({ case: item, custody }, done) {
  if (!custody.supervisions.length) return null;
  return h("ul", {}, custody.supervisions.map((one) => h("li", {},
    h("strong", {}, KINDS[one.kind] || "督办"), ` ${one.opinion || ""} `,
    h("span", { class: "hint" }, [shortTime(one.supervised_at), one.reply_due && `限 ${shortTime(one.reply_due)} 回复`,
      one.replied_at && `已于 ${shortTime(one.replied_at)} 回复`, one.overdue && "逾期未回复"].filter(Boolean).join(" · ")),
    !one.replied_at && !custody.read_only && form("回复督办", [],
      (words) => api.send(`/cases/${item.case_id}/supervision_reply`, { directive_id: one.directive_id, opinion: words.opinion }, once()), done, true))));
}

function directive({ case: item }, done) {
  const choice = (name, label, options) => h("label", { class: "field" }, label, h("select", { name }, options.map(([value, text]) => h("option", { value }, text))));
  const fields = [
    choice("action", "指令", ACTIONS),
    choice("kind", "督办类别", Object.entries(KINDS)),
    field("area", "指定办理的区划代码", { pattern: "[0-9]{6,12}" }),
    field("reply_due", "回复期限（要求回复时填写）", { type: "datetime-local" }),
  ];
  return form("下达督办或指令", fields, (words) => {
    const due = words.reply_due ? new Date(`${words.reply_due}:00+08:00`).toISOString() : null;
    const body = { ...words, version: item.version, reply_due: due, reply_required: due !== null };
    return api.send(`/cases/${item.case_id}/directives`, body, once());
  }, done, true);
}

const field = (name, label, attributes) => h("label", { class: "field" }, label, h("input", { name, ...attributes }));

/** A form that opens on demand: some fields and an opinion. */
function form(name, fields, send, done, required = false) {
  const trouble = h("p", { class: "trouble", role: "alert" });
  const submit = h("button", {}, `确认${name}`);
  const element = h("form", { class: "beside" }, fields,
    h("label", { class: "field" }, required ? "意见（必填）" : "意见", h("textarea", { name: "opinion", rows: 2, maxlength: 2000, required })), trouble, submit);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      await send(Object.fromEntries(new FormData(element)));
      toast(`已办理“${name}”`);
      await done();
    } catch (refusal) {
      trouble.textContent = sentence(refusal);
    } finally {
      submit.disabled = false;
    }
  });
  return h("details", {}, h("summary", {}, name), element);
}

/** Offers of other nodes that wait here, and reporters to be asked. */
export async function incoming(refresh) {
  const [offers, visits] = await Promise.all([api.get("/cases/offers"), holds("acceptor", "shift_leader") ? api.get("/cases/visits") : []]);
  const answer = (offer, decision) => (words) =>
    api.send(`/cases/offers/${decision}?${new URLSearchParams({ offer_id: offer.offer_id })}`, { opinion: words.opinion }, once());
  return {
    count: offers.filter((one) => one.state === "offered").length + visits.length,
    element: h("div", { class: "incoming" },
      offers.map((one) => h("article", { "data-offer": one.offer_id },
        h("h3", {}, `${one.sender_name}移交：${one.case_no || one.case_id.slice(0, 8)}`, h("span", { class: "tag warn" }, one.state_name)),
        h("p", {}, [one.cause_name, one.category?.minor_name, one.area, shortTime(one.offered_at)].filter(Boolean).join(" · ")),
        one.opinion && h("p", { class: "text" }, one.opinion),
        one.state === "offered" && [form("接收", [], answer(one, "accept"), refresh), form("拒收", [], answer(one, "refuse"), refresh, true)])),
      visits.map((one) => h("article", { "data-visit": one.case_id },
        h("h3", {}, `待回访：${one.case_no}`),
        form("记录回访", [h("label", { class: "field" }, "满意度", h("select", { name: "score" }, SCORES.map((text, score) => h("option", { value: score }, text))))],
          (words) => api.send(`/cases/${one.case_id}/visit`, { score: Number(words.score), opinion: words.opinion }, once()), refresh))),
      !offers.length && !visits.length && h("p", { class: "empty" }, "没有待接收的移交和待回访的案件。")),
  };
}
