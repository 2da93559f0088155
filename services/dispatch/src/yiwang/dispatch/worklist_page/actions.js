// The actions that the caller may take on a case now: a button for each, a form where something must be said.

import * as api from "./api.js";
import { h, toast } from "./dom.js";
import { FIELDS, PHOTO_STAGE, bodyOf, needsOpinion, photoNeeded } from "./fields.js";
import { sentence } from "./login.js";

const SERIOUS = new Set(["void", "dept_return", "return_to_acceptor", "return_to_city", "dispatcher_reject", "handler_return",
  "dept_send_back", "force_close", "request_force_close", "reopen"]);
const QUIET = new Set(["correct", "suspend", "refer", "send_check",
  "postpone_apply", "hang_apply", "merge", "link", "appeal", "postpone_withdraw", "hang_withdraw", "appeal_withdraw", "force_withdraw"]);

/** The bar of buttons for `allowed`; `done(answer)` is called after each action that succeeded. */
export function actionBar(detail, allowed, done) {
  const place = h("div", { class: "form-place" });
  const ordered = allowed.actions.filter((one) => partFits(one.action, detail)).sort((a, b) => weight(a, detail) - weight(b, detail));
  const buttons = ordered.map((action, n) =>
    h("button", {
      type: "button", "data-action": action.action, "aria-expanded": "false",
      class: SERIOUS.has(action.action) ? "danger" : n === 0 && weight(action, detail) < 2 ? "main" : "",
      onclick: (event) => open(event.currentTarget, action),
    }, action.name));

  async function open(button, action) {
    const again = button.getAttribute("aria-expanded") === "true";
    for (const other of buttons) other.setAttribute("aria-expanded", "false");
    place.replaceChildren();
    if (again) return;
    button.setAttribute("aria-expanded", "true");
    try {
      const choices = FIELDS[action.action] ? await api.get(`/cases/${detail.case.case_id}/choices`) : null;
      const form = actionForm(detail, allowed, action, choices, done, () => open(button, action));
      place.replaceChildren(form);
      form.scrollIntoView({ block: "nearest" });
      form.querySelector("input, select, textarea")?.focus();
    } catch (refusal) {
      toast(sentence(refusal), true);
    }
  }

  if (!buttons.length) return h("p", { class: "hint" }, "此案当前没有您可办理的事项。");
  return h("div", { class: "acts" }, h("div", { class: "bar", role: "group", "aria-label": "可办事项" }, buttons), place);
}

const OF_PARTS = { confirm_co: ["handled"], rework_co: ["handled", "confirmed"] };

/** Whether some co-unit's part is where the action makes sense. */
const partFits = (action, { subtasks }) => !OF_PARTS[action] || subtasks.some((part) => OF_PARTS[action].includes(part.state));

/** The step onwards comes first, what interrupts comes last. */
function weight({ action }, detail) {
  if (SERIOUS.has(action)) return 3;
  if (QUIET.has(action)) return 2;
  if (action === "assign_handler" && detail.case.state === "handling") return 1;
  return action === "send_verify" && (detail.verify_policy === "skip" || detail.case.state === "verifying") ? 1 : 0;
}

function actionForm(detail, allowed, action, choices, done, close) {
  const once = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`;
  const trouble = h("p", { class: "trouble", role: "alert" });
  const submit = h("button", { class: "main" }, `确认${action.name}`);
  const opinion = h("textarea", { id: "opinion", name: "opinion", rows: 3, maxlength: 2000 });
  const photo = h("input", { id: "photo", name: "photo", type: "file", accept: "image/jpeg,image/png", multiple: true });
  const marks = { opinion: h("span", {}), photo: h("span", {}) };
  const form = h(
    "form",
    { class: "act", "aria-label": action.name },
    h("h3", {}, action.name),
    FIELDS[action.action]?.({ detail, action, choices }),
    action.photo && photoField(photo, marks.photo),
    h("div", { class: "field" }, h("label", { for: "opinion" }, "意见", marks.opinion), opinion),
    trouble,
    h("div", { class: "bar" }, submit, h("button", { type: "button", onclick: close }, "取消")),
  );
  const require = () => {
    const result = form.elements.result?.value;
    opinion.required = needsOpinion(action, result);
    photo.required = photoNeeded(action, result);
    marks.opinion.textContent = opinion.required ? "（必填）" : "（可不填）";
    marks.photo.textContent = photo.required ? "（至少一张）" : "（可不传）";
  };
  form.addEventListener("change", require);
  require();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    trouble.textContent = "";
    submit.disabled = true;
    try {
      const body = { ...bodyOf(form, action), version: allowed.version };
      if (photo.files.length) body.media = await upload(detail.case.case_id, PHOTO_STAGE[action.action], photo.files, submit);
      await api.send(`/cases/${detail.case.case_id}/${action.action}`, body, once);
      toast(`已办理“${action.name}”${detail.case.case_no ? `：${detail.case.case_no}` : ""}`);
      await done();
    } catch (refusal) {
      trouble.textContent = [sentence(refusal), ...(refusal.fields || []).map((f) => f.join(" "))].filter(Boolean).join("；");
    } finally {
      submit.disabled = false;
      submit.textContent = `确认${action.name}`;
    }
  });
  return form;
}

/** The browser's own file field speaks the browser's language; this one speaks ours. */
function photoField(photo, mark) {
  const names = h("span", { class: "hint" }, "未选择");
  photo.addEventListener("change", () => {
    names.textContent = [...photo.files].map((file) => file.name).join("、") || "未选择";
  });
  return h("div", { class: "field" },
    h("span", { class: "label" }, "照片", mark),
    h("span", { class: "pick" }, photo, h("label", { for: "photo", class: "button" }, "选择或拍摄照片"), names));
}

async function upload(caseId, stage, photos, button) {
  const refs = [];
  for (const photo of photos) {
    button.textContent = `上传照片 ${refs.length + 1}/${photos.length}…`;
    refs.push(await api.upload(`/cases/${caseId}/photos?stage=${stage}`, photo));
  }
  return refs;
}
