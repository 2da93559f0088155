// One line of a ledger: what it is, what was done, and the actions that its state allows; and the form for a new one.

import * as api from "./api.js";
import { areaName, learn } from "./areas.js";
import { $, h, longTime, toast } from "./dom.js";
import { sentence } from "./login.js";

const WORDS = { opinion: ["textarea", "意见"], media: ["file", "现场照片"] };
const FORMS = {
  assign: { unit_id: ["text", "责任单位（编号或名称，留空为原单位）"], measure_masked: ["textarea", "整改措施"], due_at: ["datetime-local", "整改期限（留空按等级）"] },
  rectify: { result_masked: ["textarea", "整改结果"], media: ["file", "整改后照片"] },
  accept: WORDS, refuse: { opinion: ["textarea", "不合格的原因"] },
  confirm: { asked: ["number", "询问人数"], content: ["number", "其中满意人数"], opinion: ["textarea", "群众意见"] },
  recur: { opinion: ["textarea", "反弹情况"] }, withdraw: { opinion: ["textarea", "撤销原因"] },
  link: { case_no: ["text", "案件号"] },
};
const SERIOUS = new Set(["refuse", "recur", "withdraw"]);

function field(name, [type, label]) {
  const id = `f-${name}`;
  const given = { id, name };
  const input = type === "textarea" ? h("textarea", { ...given, rows: 3, maxlength: 2000 })
    : h("input", { ...given, type, ...(type === "file" && { accept: "image/jpeg,image/png" }), ...(type === "number" && { min: 0, max: 100000, required: true }), ...(type === "text" && { maxlength: 100 }) });
  return h("div", { class: "field" }, h("label", { for: id }, label), input);
}

/** What a form says; photos are uploaded first. */
async function bodyOf(form, fields, stage) {
  const body = {};
  for (const [name, [type]] of Object.entries(fields)) {
    const value = form.elements[name].value.trim();
    if (type === "file") {
      const files = [...form.elements[name].files];
      body[name] = await Promise.all(files.map((file) => api.upload(`/ledgers/photos?stage=${stage}`, file)));
    } else if (type === "number") body[name] = Number(value);
    else if (type === "datetime-local") value && (body[name] = `${value}:00+08:00`);
    else if (value || type === "textarea") body[name] = value;
  }
  return body;
}

function formFor(fields, button, submit) {
  const trouble = h("p", { class: "trouble", role: "alert" });
  const fresh = () => (crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`);
  let once = fresh();
  const press = h("button", { class: "main" }, button);
  const form = h("form", {}, Object.entries(fields).map(([name, how]) => field(name, how)), trouble, press);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    trouble.textContent = "";
    press.disabled = true;
    try {
      await submit(form, once);
    } catch (refusal) {
      if (!(refusal instanceof api.Refusal)) throw refusal;
      trouble.textContent = sentence(refusal);
      if (refusal.status) once = fresh(); // it was answered: what is sent next is another attempt
    } finally {
      press.disabled = false;
    }
  });
  return form;
}

export async function showEntry(id, done, leave) {
  const view = await api.get(`/ledgers/${encodeURIComponent(id)}`);
  const { entry: e } = view;
  await learn([e.area]);
  const place = h("div", {});
  const open = (action, name) => {
    const form = formFor(FORMS[action], `确认${name}`, async (one, once) => {
      const body = await bodyOf(one, FORMS[action], action === "accept" ? "check" : "after");
      await api.send(`/ledgers/${encodeURIComponent(id)}/${action}`, body, once);
      toast(`${name}已办理`);
      await done();
    });
    place.replaceChildren(form);
    form.querySelector("input, textarea")?.focus();
  };
  const facts = { 类型: view.kind_name, 等级: view.grade_name, 区划: areaName(e.area), 地址: e.place?.address_masked, 发现时间: longTime(e.found_at), 责任单位: e.unit_name,
    整改措施: e.measure_masked, 整改期限: longTime(e.due_at), 关联案件: e.case_no || e.case_id, 询问居民: e.asked ? `${e.asked} 人，满意 ${e.content} 人` : "" };
  const photos = [...(e.media || []), ...(e.history || []).flatMap((l) => l.media || [])];
  $("case").replaceChildren(
    h("div", { class: "head" }, h("h2", {}, e.summary_masked), h("button", { type: "button", class: "close", onclick: leave, "aria-label": "关闭详情" }, "关闭")),
    h("p", { class: "tags" }, h("span", { class: "tag", id: "entry-state" }, view.state_name), view.late && h("span", { class: "tag urgent" }, "整改超期"), e.round > 1 && h("span", { class: "tag" }, `第 ${e.round} 次整改`)),
    h("div", { class: "bar", role: "group", "aria-label": "可办事项" }, view.actions.map((a, n) =>
      h("button", { type: "button", "data-action": a, class: SERIOUS.has(a) ? "danger" : n === 0 ? "main" : "", onclick: () => open(a, view.action_names[n]) }, view.action_names[n]))),
    place,
    h("dl", {}, Object.entries(facts).filter(([, v]) => v).map(([k, v]) => [h("dt", {}, k), h("dd", {}, v)])),
    h("div", { class: "photos" }, photos.map((p) => picture(id, p))),
    h("section", { class: "history" }, h("h3", {}, "办理记录"), h("ol", {}, [...(e.history || [])].reverse().map((l) =>
      h("li", {}, h("strong", {}, l.what), " ", h("span", { class: "hint" }, longTime(l.at)), l.opinion && h("p", {}, l.opinion))))));
  $("case").hidden = false;
  document.body.classList.add("has-case");
}

function picture(id, media) {
  const image = h("img", { alt: "现场照片", class: "loading" });
  api.blob(`/ledgers/${encodeURIComponent(id)}/photos/${media.sha256}`).then(
    (data) => {
      image.src = URL.createObjectURL(data);
      image.classList.remove("loading");
    },
    () => image.replaceWith(h("p", { class: "hint" }, "照片不在本级")),
  );
  return image;
}

export function hideEntry() {
  $("case").hidden = true;
  $("case").replaceChildren();
  document.body.classList.remove("has-case");
}

/** 登记入账 */
export function newEntry(kind, campaign, campaigns, done) {
  const fields = { summary_masked: ["textarea", "内容（不写个人信息）"], area: ["text", "区划代码"], address_masked: ["text", "地址"], media: ["file", "现场照片"] };
  const form = formFor(fields, "登记入账", async (one, once) => {
    const body = { kind, ...(await bodyOf(one, fields, "before")), grade: one.elements.grade.value };
    if (one.elements.campaign_id.value) body.campaign_id = one.elements.campaign_id.value;
    await api.send("/ledgers", body, once);
    toast("已登记");
    await done();
  });
  form.classList.add("new");
  form.prepend(h("div", { class: "field" }, h("label", { for: "f-grade" }, "等级"), h("select", { id: "f-grade", name: "grade" }, h("option", { value: "general" }, "一般"), h("option", { value: "major" }, "重大"))),
    h("div", { class: "field" }, h("label", { for: "f-campaign" }, "纳入专项"), h("select", { id: "f-campaign", name: "campaign_id" }, h("option", { value: "" }, "不纳入"),
      campaigns.map((c) => h("option", { value: c.campaign.campaign_id, selected: c.campaign.campaign_id === campaign }, c.campaign.title)))));
  return h("details", {}, h("summary", {}, kind === "problem" ? "登记问题" : "登记隐患"), form);
}
