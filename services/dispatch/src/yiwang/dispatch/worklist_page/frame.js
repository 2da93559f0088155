// What every page has around its work: who is here, coming and going, refusals as a sentence, a token kept fresh.

import * as api from "./api.js";
import { areaName, learn } from "./areas.js";
import { $, toast } from "./dom.js";
import { expired, sentence, showLogin } from "./login.js";

const RENEW_MS = 20000;

/** Do it; what is refused is told in a sentence. */
export async function guarded(call) {
  try {
    await call();
  } catch (refusal) {
    if (!(refusal instanceof api.Refusal)) throw refusal;
    if (refusal.status !== 401) toast(sentence(refusal), true);
  }
}

/** The holder in the header; *words* is what this page knows of them. */
export async function showHolder(person, words = "") {
  const areas = [...new Set((person.posts || []).flatMap((p) => p.areas))];
  await learn(areas);
  $("who").textContent = [person.name, words, areas.map(areaName).join("、")].filter(Boolean).join(" · ");
  $("who").title = `人员编号 ${person.sub}`;
}

/** Begin: *come* when somebody is here, *clear* what they had open when they go, *follow* when the address changes. */
export function run({ come, clear, follow }) {
  async function begin() {
    const person = api.holder();
    $("work").hidden = $("logout").hidden = !person;
    if (!person) {
      $("who").textContent = "";
      await showLogin(begin);
      return;
    }
    await guarded(() => come(person));
  }
  api.whenExpired(() => {
    expired();
    begin();
  });
  $("logout").addEventListener("click", () => {
    api.setToken("");
    clear();
    location.hash = "";
    begin();
  });
  addEventListener("hashchange", () => api.token() && guarded(follow));
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    $("list").focus();
  });
  setInterval(() => api.token() && guarded(api.renew), RENEW_MS);
  begin();
}
