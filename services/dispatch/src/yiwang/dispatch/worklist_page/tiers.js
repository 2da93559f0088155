// Who has a case: hand-over between nodes, offers that wait for an answer, supervision and its reply, return visits.

import * as api from "./api.js";
import { h, longTime, shortTime } from "./dom.js";
import { china, choice, field, form, holds, once } from "./forms.js";
import { sentence } from "./login.js";

const SENDERS = ["acceptor", "shift_leader", "dispatcher", "leader"];
const DIRECTORS = ["supervisor", "leader"];
const KINDS = { timeout: "超时督办", leader: "领导督办", important: "重要事项督办" };
const ACTIONS = [["supervise", "督办"], ["recall", "收回本级办理"], ["assign", "指定其他区域办理"]];
const SCORES = ["未联系上", "非常满意", "满意", "基本满意", "不满意", "非常不满意"];
const VISITORS = ["acceptor", "shift_leader"];
const LENDERS = ["shift_leader", "leader"];

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
        (words) => api.send(`/cases/${item.case_id}/hand_over`, { ...words, version: item.version }, once()), done, { required: true }));
  }
  if (!over && holds(...DIRECTORS)) parts.push(directive(detail, done));
  if (item.state === "closed" && !custody.read_only && custody.taken_by && custody.taken_by !== custody.custodian && holds(...VISITORS)) {
    parts.push(form("由本级回访（申请联系方式）", [h("p", { class: "hint" }, `上报由${custody.taken_by_name}受理，联系方式在那里；同意后密封移交本级，仅供这一次回访。`)],
      (words) => api.send(`/cases/${item.case_id}/visit_here`, { opinion: words.opinion }, once()), done, { required: true, opinion: "为何由本级回访" }));
  }
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
      (words) => api.send(`/cases/${item.case_id}/supervision_reply`, { directive_id: one.directive_id, opinion: words.opinion }, once()), done, { required: true }))));
}

function directive({ case: item }, done) {
  const fields = [
    choice("action", "指令", ACTIONS),
    choice("kind", "督办类别", Object.entries(KINDS)),
    field("area", "指定办理的区划代码", { pattern: "[0-9]{6,12}" }),
    field("reply_due", "回复期限（要求回复时填写）", { type: "datetime-local" }),
  ];
  return form("下达督办或指令", fields, (words) => {
    const due = china(words.reply_due);
    const body = { ...words, version: item.version, reply_due: due, reply_required: due !== null };
    return api.send(`/cases/${item.case_id}/directives`, body, once());
  }, done, { required: true });
}

/** Offers of other nodes that wait here, and reporters to be asked. */
export async function incoming(refresh) {
  const [offers, visits, wanted] = await Promise.all([
    api.get("/cases/offers"), holds(...VISITORS) ? api.get("/cases/visits") : [], holds(...LENDERS) ? contactsWanted() : [],
  ]);
  const answer = (offer, decision) => (words) =>
    api.send(`/cases/offers/${decision}?${new URLSearchParams({ offer_id: offer.offer_id })}`, { opinion: words.opinion }, once());
  return {
    count: offers.filter((one) => one.state === "offered").length + visits.length + wanted.length,
    element: h("div", { class: "desk incoming" },
      offers.map((one) => h("article", { class: "card-line", "data-offer": one.offer_id },
        h("header", {}, h("span", { class: "tag warn" }, one.state_name), h("strong", {}, `${one.sender_name}移交`),
          h("span", { class: "mono" }, one.case_no || one.case_id.slice(0, 8))),
        h("p", { class: "hint" }, [one.cause_name, one.category?.minor_name, one.area, shortTime(one.offered_at)].filter(Boolean).join(" · ")),
        one.opinion && h("p", { class: "text" }, one.opinion),
        one.state === "offered" && h("div", { class: "bar" }, form("接收", [], answer(one, "accept"), refresh, { main: true }),
          form("拒收", [], answer(one, "refuse"), refresh, { required: true })))),
      wanted.map((one) => wantedCard(one, refresh)),
      visits.map((one) => visitCard(one, refresh)),
      !offers.length && !visits.length && !wanted.length && h("p", { class: "empty" }, "没有待接收的移交和待回访的案件。")),
  };
}

/** Other tiers' wishes for a reporter's contact that a person here decides; none where this process takes no reports. */
async function contactsWanted() {
  try {
    return (await api.get("/reports/handovers")).filter((one) => one.side === "given" && one.state === "asked");
  } catch (refusal) {
    if (refusal.status === 404) return [];
    throw refusal;
  }
}

function wantedCard(one, refresh) {
  const path = `/reports/handovers/${encodeURIComponent(one.ask_id)}`;
  return h("article", { class: "card-line", "data-wanted": one.ask_id },
    h("header", {}, h("span", { class: "tag warn" }, "申请联系方式"), h("strong", {}, one.other), h("span", { class: "mono" }, one.case_no || one.case_id.slice(0, 8))),
    h("p", { class: "hint" }, `${shortTime(one.asked_at)} 申请；同意后密封移交该平台，仅供一次回访`),
    one.opinion && h("p", { class: "text" }, one.opinion),
    h("div", { class: "bar" }, form("同意移交", [], () => api.send(`${path}/grant`, {}, once()), refresh, { opinion: "", main: true }),
      form("不予移交", [], (words) => api.send(`${path}/refuse`, { reason: words.opinion }, once()), refresh, { required: true, opinion: "理由" })));
}

/** One reporter to be asked; the contact is shown on demand, and every look is written down where it lies. */
function visitCard(one, refresh) {
  const place = h("p", { class: "hint" });
  const path = one.ask_id ? `/reports/handovers/${encodeURIComponent(one.ask_id)}/contact` : `/reports/${encodeURIComponent(one.report_ids[0])}/contact`;
  const look = h("button", { type: "button", onclick: async () => {
    try {
      const { name, phone, openid } = await api.get(path);
      place.textContent = [name, phone, openid && `微信 ${openid}`].filter(Boolean).join(" · ") || "上报人没有留联系方式";
    } catch (refusal) {
      place.textContent = sentence(refusal);
    }
  } }, "查看联系方式");
  return h("article", { class: "card-line", "data-visit": one.case_id },
    h("header", {}, h("span", { class: "tag warn" }, "待回访"), h("a", { class: "mono", href: `#queue=incoming&case=${one.case_id}` }, one.case_no || one.case_id.slice(0, 8)),
      one.ask_id && h("span", { class: "tag" }, "联系方式由上报受理地移交"), h("span", { class: "right hint" }, `${shortTime(one.asked_at)} 起`)),
    place,
    h("div", { class: "bar" }, (holds("acceptor") || one.ask_id) && look,
      form("记录回访", [choice("score", "满意度", SCORES.map((text, score) => [score, text]))],
        (words) => api.send(`/cases/${one.case_id}/visit`, { score: Number(words.score), opinion: words.opinion }, once()), refresh, { main: true })));
}
