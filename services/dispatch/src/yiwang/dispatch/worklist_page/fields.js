// What each action asks for: the fields of its form, and how they become the body that the API takes.

import { holder } from "./api.js";
import { h } from "./dom.js";

let serial = 0;

function labelled(text, make, hint = "") {
  const id = `f${++serial}`;
  return h("div", { class: "field" }, h("label", { for: id }, text), make(id), hint && h("p", { class: "hint" }, hint));
}

function radios(name, text, options, chosen) {
  return h(
    "fieldset",
    { class: "field" },
    h("legend", {}, text),
    options.map(([value, label]) =>
      h("label", { class: "option" }, h("input", { type: "radio", name, value, required: true, checked: value === chosen }), " ", label),
    ),
  );
}

function select(name, text, options, { required = true, empty = "请选择", chosen = "", hint = "" } = {}) {
  return labelled(
    text,
    (id) =>
      h("select", { id, name, required },
        empty !== null && h("option", { value: "" }, empty),
        options.map(([value, label]) => h("option", { value, selected: value === chosen }, label))),
    hint,
  );
}

const input = (name, text, more = {}, hint = "") =>
  labelled(text, (id) => h("input", { id, name, autocomplete: "off", ...more }), hint);

function categories(name, choices, required) {
  const groups = new Map();
  for (const c of choices.categories) {
    const group = `${c.kind === "part" ? "部件" : "事件"} · ${c.major_name}`;
    groups.set(group, [...(groups.get(group) || []), c]);
  }
  return labelled(required ? "案件类别" : "改为类别（可不选）", (id) =>
    h("select", { id, name, required },
      h("option", { value: "" }, required ? "请选择大类和小类" : "保持不变"),
      [...groups].map(([group, rows]) =>
        h("optgroup", { label: group },
          rows.map((c) => h("option", { value: `${c.kind}/${c.major}/${c.minor}` }, `${c.minor_name}（${c.major}${c.minor}）`))))));
}

function category(value) {
  if (!value) return undefined;
  const [kind, major, minor] = value.split("/");
  return { kind, major, minor };
}

const RESULTS = {
  exist: "属实", not_exist: "不属实", unable: "无法判定", pass: "通过", not_pass: "不通过", ok: "合格", not_ok: "不合格",
};
const MODES = [["service", "服务（协调解决）"], ["manage", "管理（劝导整改）"], ["enforce", "执法（依法查处）"]];

const reasons = (choices, event) => choices.reasons.filter((r) => r.used_by === event).map((r) => [r.code, r.name]);
const results = (action) => radios("result", "结果", action.results.map((r) => [r, RESULTS[r] || r]), action.results[0]);
const returning = (choices) => select("reason_code", "回退原因", [...reasons(choices, "case.returned"), ["other", "其他"]]);

/** What finished cases suggest, beside the matrix's answer: choosing one puts it into the form. */
function learnt(suggestions) {
  if (!suggestions.length) return null;
  const choose = (event, one) => {
    const select = event.target.form.elements.unit_id;
    if (![...select.options].some((o) => o.value === one.unit_id)) select.append(h("option", { value: one.unit_id }, one.name));
    select.value = one.unit_id;
  };
  return h("div", { class: "field learnt" }, h("span", { class: "label" }, "历史办理建议"),
    h("ul", {}, suggestions.map((one) => h("li", {},
      h("button", { type: "button", class: "plain", "data-unit": one.unit_id, onclick: (event) => choose(event, one) }, one.name),
      ` 可能性 ${Math.round(one.confidence * 100)}%`, h("span", { class: "hint" }, ` ${one.reason}`)))));
}

/** action → the fields it shows */
export const FIELDS = {
  correct: ({ choices }) => [
    categories("category", choices, false),
    input("area", "改为区划代码（可不填）", { inputmode: "numeric", maxlength: 15 }, "区县 6 位、街道 9 位、社区 12 位"),
    input("address_masked", "位置描述（可不填）", { maxlength: 200 }, "不写门牌住户和姓名"),
  ],
  accept: ({ detail, choices }) => [
    categories("category", choices, !detail.case.category),
    radios("urgency", "紧急程度", [["normal", "一般"], ["urgent", "紧急"]], detail.case.urgency || "normal"),
  ],
  verify_result: ({ action }) => [results(action)],
  check_result: ({ action }) => [results(action)],
  audit_self_disposed: ({ action }) => [results(action)],
  decide_check: ({ action }) => [results(action)],
  void: ({ choices }) => [select("reason_code", "作废原因", reasons(choices, "case.voided"))],
  file: ({ choices }) => [
    radios("condition_id", "立案条件",
      choices.conditions.map((c) => [c.condition_id, `${c.text}（限 ${c.limit} ${c.unit_name}）`]),
      choices.conditions.length === 1 ? choices.conditions[0].condition_id : ""),
  ],
  dispatch: ({ choices }) => {
    const advised = choices.units.filter((u) => u.rule_id);
    const others = choices.units.filter((u) => !u.rule_id);
    return [
      learnt(choices.suggestions),
      labelled("责任单位", (id) =>
        h("select", { id, name: "unit_id", required: true },
          h("optgroup", { label: "责任清单建议" },
            advised.map((u, n) => h("option", { value: u.unit_id }, `${u.name}（${n ? "备选" : "首选"}，规则 ${u.rule_id}）`))),
          h("optgroup", { label: "其他单位" }, others.map((u) => h("option", { value: u.unit_id }, u.name))))),
      input("overridden_reason", "改派理由", { maxlength: 2000 }, "不按首选单位派遣时须填写"),
    ];
  },
  return_to_city: ({ choices }) => [returning(choices)],
  return_to_acceptor: ({ choices }) => [returning(choices)],
  dept_return: ({ choices }) => [returning(choices)],
  handler_return: ({ choices }) => [returning(choices)],
  dept_send_back: ({ choices }) => [returning(choices)],
  assign_handler: ({ detail }) => [
    input("handler_ref", "处置人员编号", { required: true, maxlength: 100, value: detail.handler_ref || holder()?.sub },
      "默认为本人；由他人处置时填写其人员编号"),
  ],
  submit_result: () => [radios("resolution_mode", "解决方式", MODES)],
  close: ({ detail }) => [
    h("fieldset", { class: "field" }, h("legend", {}, "结案条件（逐项确认）"),
      Object.entries(detail.closing_conditions).map(([id, text]) =>
        h("label", { class: "option" }, h("input", { type: "checkbox", name: "closing_condition_ids", value: id, required: true }), " ", text))),
  ],
  suspend: () => [input("resume_on", "恢复日期", { type: "date", required: true }, "到期自动恢复计时")],
  refer: () => [
    input("agency_id", "执法机关编号", { required: true, maxlength: 100 }),
    input("item_code", "涉嫌事项代码", { required: true, maxlength: 100 }),
  ],
};

const NEEDS_WORDS = new Set(["not_exist", "unable", "not_pass", "not_ok"]);
/** Whether an opinion must be written, given the result chosen. */
export const needsOpinion = (action, result) =>
  action.opinion || action.action === "decide_check" || NEEDS_WORDS.has(result);

export const PHOTO_STAGE = { verify_result: "verify", check_result: "check", submit_result: "after" };
export const photoNeeded = (action, result) => action.photo && (!result || result === "exist" || result === "pass");

/** The form's values as the API's body; what is empty isn't sent. */
export function bodyOf(form, action) {
  const data = new FormData(form);
  const body = {};
  for (const name of new Set(data.keys())) {
    const value = String(data.get(name)).trim();
    if (!value || name === "photo") continue;
    if (name === "closing_condition_ids") body[name] = data.getAll(name);
    else if (name === "category") body[name] = category(value);
    else if (name === "resume_on") body[name] = `${value}T08:00:00+08:00`;
    else body[name] = value;
  }
  if (action.role) body.role = action.role;
  return body;
}
