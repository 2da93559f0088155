// Forms that open on demand beside a case or on a desk: some fields, an opinion where one is wanted, one button.

import * as api from "./api.js";
import { h, toast } from "./dom.js";
import { sentence } from "./login.js";

export const once = () => (crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`);
export const holds = (...roles) => (api.holder()?.posts || []).some((post) => roles.includes(post.role));
export const postsOf = (...roles) => (api.holder()?.posts || []).filter((post) => roles.includes(post.role));

export const field = (name, label, attributes = {}) => h("label", { class: "field" }, label, h("input", { name, autocomplete: "off", ...attributes }));
export const area = (name, label, attributes = {}) => h("label", { class: "field" }, label, h("textarea", { name, rows: 2, maxlength: 2000, ...attributes }));
export const choice = (name, label, options, attributes = {}) =>
  h("label", { class: "field" }, label, h("select", { name, ...attributes }, options.map(([value, text]) => h("option", { value }, text))));
export const ticks = (name, label, options) =>
  h("fieldset", { class: "field ticks" }, h("legend", {}, label),
    options.map(([value, text]) => h("label", { class: "option" }, h("input", { type: "checkbox", name, value }), " ", text)));

/** 2026-11-23T09:00 as people here mean it. */
export const china = (local) => (local ? new Date(`${local}:00+08:00`).toISOString() : null);

/** Where this device is, on request: fills a hidden field that `bodyOf` and the desks read as a point. */
export function here(statement) {
  const hidden = h("input", { type: "hidden", name: "point" });
  const told = h("span", { class: "hint" }, navigator.geolocation ? "" : "此设备不提供定位，请写明到场情况");
  const button = h("button", { type: "button", class: "plain", disabled: !navigator.geolocation }, "取当前位置");
  button.addEventListener("click", () => {
    told.textContent = "正在定位…";
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        hidden.value = JSON.stringify({ lon: coords.longitude, lat: coords.latitude, crs: "wgs84", accuracy_m: coords.accuracy, source: "device" });
        told.textContent = `已取得位置（误差约 ${Math.round(coords.accuracy)} 米）`;
        if (statement) statement.required = false;
      },
      () => (told.textContent = "没有取得位置，请写明到场情况"),
      { enableHighAccuracy: true, timeout: 20_000 },
    );
  });
  return h("div", { class: "field here" }, button, told, hidden);
}

/** A button that opens its form. `send(words, element)` gets what was written; `fields` may be a function, called when it opens. */
export function form(name, fields, send, done, { required = false, opinion = "意见", main = false, confirm = `确认${name}` } = {}) {
  const trouble = h("p", { class: "trouble", role: "alert" });
  const submit = h("button", { class: "main" }, confirm);
  const place = h("div", { class: "fields" }, typeof fields === "function" ? null : fields);
  const element = h("form", { class: "beside" }, place,
    opinion && area("opinion", required ? `${opinion}（必填）` : opinion, { required }), trouble, h("div", { class: "bar" }, submit));
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    trouble.textContent = "";
    try {
      await send(Object.fromEntries(new FormData(element)), element);
      toast(`已办理“${name}”`);
      box.open = false;
      await done();
    } catch (refusal) {
      trouble.textContent = [sentence(refusal), ...(refusal.fields || []).map((f) => f.join(" "))].filter(Boolean).join("；");
    } finally {
      submit.disabled = false;
    }
  });
  const box = h("details", { class: "do" }, h("summary", { class: main ? "main" : "" }, name), element);
  box.addEventListener("toggle", async () => {
    if (!box.open) return;
    try {
      if (typeof fields === "function" && !place.children.length) place.replaceChildren(...[await fields()].flat(Infinity).filter(Boolean));
      element.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    } catch (refusal) {
      trouble.textContent = sentence(refusal);
    }
  });
  return box;
}
