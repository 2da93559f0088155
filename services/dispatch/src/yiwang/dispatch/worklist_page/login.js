// Logging in: with an account of this platform, or, in a demo only, as one of its invented people.

import * as api from "./api.js";
import { $, h, toast } from "./dom.js";

/** Shows the form; calls `done` once somebody is logged in. */
export async function showLogin(done) {
  const place = $("login");
  place.replaceChildren(accountForm(done));
  place.hidden = false;
  $("login-name").focus();
  try {
    place.append(demoForm(await api.get("/identity/people"), done));
  } catch {
    return; // no demo people here: an ordinary platform
  }
}

function accountForm(done) {
  const trouble = h("p", { class: "trouble", role: "alert" });
  const form = h(
    "form",
    { class: "card", id: "account" },
    h("h2", {}, "登录工作台"),
    h("label", { for: "login-name" }, "账号"),
    h("input", { id: "login-name", name: "login", required: true, autocomplete: "username", maxlength: 64 }),
    h("label", { for: "login-password" }, "密码"),
    h("input", {
      id: "login-password", name: "password", type: "password", required: true, autocomplete: "current-password",
    }),
    trouble,
    h("button", { class: "main" }, "登录"),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    trouble.textContent = "";
    const [login, password] = [form.login.value.trim(), form.password.value];
    try {
      const answer = await api.send("/identity/token", { login, password });
      enter(answer.access_token, done);
    } catch (refusal) {
      if (refusal.code === "identity.must_change") {
        form.replaceWith(passwordForm(login, password, done));
        $("new-password").focus();
        return;
      }
      trouble.textContent = sentence(refusal);
      form.password.select();
    }
  });
  return form;
}

/** The first password opens nothing but this form. */
function passwordForm(login, old, done) {
  const trouble = h("p", { class: "trouble", role: "alert" });
  const field = (id, text) => [
    h("label", { for: id }, text),
    h("input", { id, name: id, type: "password", required: true, autocomplete: "new-password" }),
  ];
  const form = h(
    "form",
    { class: "card", id: "change" },
    h("h2", {}, "设置自己的密码"),
    h("p", { class: "hint" }, `账号 ${login} 的初始密码只能用一次，请改成自己的密码。`),
    field("new-password", "新密码"),
    field("again-password", "再输一遍"),
    trouble,
    h("button", { class: "main" }, "保存并登录"),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = form["new-password"].value;
    if (wanted !== form["again-password"].value) {
      trouble.textContent = "两次输入的密码不一样，请重新输入";
      return;
    }
    try {
      await api.send("/identity/password", { login, old, new: wanted });
      enter((await api.send("/identity/token", { login, password: wanted })).access_token, done);
    } catch (refusal) {
      trouble.textContent = sentence(refusal);
    }
  });
  return form;
}

function demoForm(people, done) {
  const trouble = h("p", { class: "trouble", role: "alert" });
  const form = h(
    "form",
    { class: "card demo", id: "demo" },
    h("h2", {}, "演示人员"),
    h("p", { class: "hint" }, "虚构的人员，仅演示环境可用。以部门或处置人员进入时，填写案件责任单位的编号。"),
    h("label", { for: "demo-person" }, "人员"),
    h("select", { id: "demo-person", name: "person" }, people.map((p) => h("option", { value: p.person_ref }, p.name))),
    h("label", { for: "demo-unit" }, "单位编号（可不填）"),
    h("input", { id: "demo-unit", name: "unit", maxlength: 64, autocomplete: "off" }),
    h("label", { for: "demo-area" }, "管辖区划（可不填）"),
    h("input", { id: "demo-area", name: "area", maxlength: 15, autocomplete: "off" }),
    trouble,
    h("button", {}, "以此人身份进入"),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { person_ref: form.person.value, unit_id: form.unit.value.trim(), area: form.area.value.trim() };
    try {
      enter((await api.send("/identity/dev-token", body)).access_token, done);
    } catch (refusal) {
      trouble.textContent = sentence(refusal);
    }
  });
  return form;
}

function enter(token, done) {
  api.setToken(token);
  $("login").hidden = true;
  $("login").replaceChildren();
  done();
}

export const sentence = (refusal) => [refusal.message, refusal.todo].filter(Boolean).join("；");

export function expired() {
  toast("登录已过期，请重新登录；未提交的内容没有送出", true);
}
