// What each action asks for: the fields of its form, and how they become the body that the API takes.

import { get, holder } from "./api.js";
import { h } from "./dom.js";
import { here } from "./forms.js";

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
  approved: "同意", rejected: "不同意",
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

export const PARTS = { waiting: "待指派", handling: "办理中", handled: "待确认", confirmed: "已完成", excused: "缺席已说明", returned: "已退回" };
export const partText = (p) => `${p.assignment.unit_name}（${PARTS[p.state || "waiting"]}${p.timeliness === "overdue" ? "，超时" : ""}${p.rework_count ? `，返工 ${p.rework_count} 次` : ""}）`;
const part = (detail) => select("assignment_id", "协办事项", detail.subtasks.map((p) => [p.assignment.assignment_id, partText(p)]),
  { required: false, empty: "本单位的协办事项" });

/** A filed case with a new class needs a filing condition of that class: the choices follow the class. */
function conditionOf(detail) {
  const list = h("select", { name: "condition_id" }, h("option", { value: "" }, "随类别确定"));
  const field = h("div", { class: "field" }, h("label", {}, "新的立案条件（改类别时选择）", list));
  queueMicrotask(() => {
    const classes = list.form?.elements.category;
    classes?.addEventListener("change", async () => {
      const found = classes.value ? (await get(`/cases/${detail.case.case_id}/choices?category=${encodeURIComponent(classes.value)}`)).conditions : [];
      list.replaceChildren(h("option", { value: "" }, "随类别确定"),
        ...found.map((c) => h("option", { value: c.condition_id }, `${c.text}（限 ${c.limit} ${c.unit_name}）`)));
      list.required = found.length > 1;
    });
  });
  return field;
}

const CAUSES = [["complaint", "市民再次投诉"], ["visit", "回访不满意"], ["recurrence", "问题反弹"], ["leader", "领导要求"], ["other", "其他"]];
const RELATIONS = [["similar", "疑似同一问题"], ["recurrence", "反弹"], ["campaign", "同一专项"]];
const until = () => [input("resume_on", "恢复日期", { type: "date", required: true }, "到期自动恢复计时")];

/** action → the fields it shows */
export const FIELDS = {
  correct: ({ detail, choices }) => [
    categories("category", choices, false),
    input("area", "改为区划代码（可不填）", { inputmode: "numeric", maxlength: 15 }, "区县 6 位、街道 9 位、社区 12 位"),
    input("address_masked", "位置描述（可不填）", { maxlength: 200 }, "不写门牌住户和姓名"),
    detail.case.case_no && conditionOf(detail),
  ],
  accept: ({ detail, choices }) => [
    categories("category", choices, !detail.case.category),
    radios("urgency", "紧急程度", [["normal", "一般"], ["urgent", "紧急"]], choices.proposed_urgency || detail.case.urgency || "normal"),
    choices.matters.length > 0 && select("matter", "事项分流", choices.matters.map((m) => [m.code, m.name]), { required: false, empty: "按规则", chosen: choices.proposed_matter }),
    input("complained_unit", "被投诉单位（投诉执法或管理人员时填写）", { maxlength: 100, value: detail.complained_unit || undefined },
      "填单位编号或全称，此案不会派给该单位及其下属；不涉及库内单位的填“-”"),
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
  submit_result: () => [
    radios("resolution_mode", "解决方式", MODES),
    input("mode_reason", "越级或退回的理由（按规定顺序时不填）", { maxlength: 2000 }, "一般先服务、再管理、后执法"),
  ],
  arrive: () => {
    const statement = input("statement", "到场说明", { required: true, maxlength: 2000 }, "用手机办理时可由定位代替");
    return [statement, here(statement.querySelector("input"))];
  },
  add_co: ({ choices }) => [
    select("unit_id", "协办单位", choices.units.map((u) => [u.unit_id, u.name]), { hint: "期限与案件相同，自现在起算" }),
  ],
  assign_co_handler: ({ detail }) => [part(detail), input("handler_ref", "处置人员编号", { required: true, maxlength: 100, value: holder()?.sub })],
  submit_co_result: ({ detail }) => [part(detail)],
  confirm_co: ({ detail }) => [part(detail)],
  return_co: ({ detail, choices }) => [part(detail), returning(choices)],
  rework_co: ({ detail, choices }) => [part(detail), returning(choices)],
  excuse_co: ({ detail }) => [part(detail)],
  close: ({ detail }) => [
    h("fieldset", { class: "field" }, h("legend", {}, "结案条件（逐项确认）"),
      Object.entries(detail.closing_conditions).map(([id, text]) =>
        h("label", { class: "option" }, h("input", { type: "checkbox", name: "closing_condition_ids", value: id, required: true }), " ", text))),
  ],
  suspend: until,
  hang_apply: until,
  postpone_apply: () => [
    h("div", { class: "field" }, h("label", { class: "option" }, h("input", { type: "checkbox", name: "engineering", value: "yes" }), " 工程类（须领导审批）"),
      h("p", { class: "hint" }, "每次延长一个原时限，最多两次；时限未过才能申请")),
  ],
  postpone_approve: ({ detail, action }) => [asked(detail, "extension"), results(action)],
  hang_approve: ({ detail, action }) => [asked(detail, "hang"), results(action)],
  decide_appeal: ({ detail, action }) => [detail.appeal && h("p", { class: "hint" }, `申诉理由：${detail.appeal.opinion}`), results(action)],
  reopen: () => [radios("cause", "重新办理的原因", CAUSES, "complaint")],
  merge: ({ detail }) => [input("into", "主案编号", { required: true, maxlength: 100, value: detail.similar_of }, "此案作为重复案件结束，上报并入主案")],
  link: ({ detail }) => [
    input("other", "另一案件编号", { required: true, maxlength: 100, value: detail.similar_of }),
    radios("relation", "关系", RELATIONS, "similar"),
  ],
  refer: () => [
    input("agency_id", "执法机关编号", { required: true, maxlength: 100 }),
    input("item_code", "涉嫌事项代码", { required: true, maxlength: 100 }),
  ],
};

function asked(detail, kind) {
  const one = detail.requests.find((request) => request.kind === kind);
  if (!one) return null;
  const when = one.resume_on ? `恢复日期 ${one.resume_on.slice(0, 10)}；` : "";
  return h("p", { class: "hint" }, `${when}理由：${one.opinion}`);
}

const NEEDS_WORDS = new Set(["not_exist", "unable", "not_pass", "not_ok", "rejected"]);
/** Whether an opinion must be written, given the result chosen. */
export const needsOpinion = (action, result) =>
  action.opinion || action.action === "decide_check" || NEEDS_WORDS.has(result);

export const PHOTO_STAGE = { verify_result: "verify", check_result: "check", submit_result: "after", submit_co_result: "after" };
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
    else if (name === "engineering") body[name] = true;
    else if (name === "point") body[name] = JSON.parse(value);
    else if (name === "resume_on") body[name] = `${value}T08:00:00+08:00`;
    else body[name] = value;
  }
  if (action.role) body.role = action.role;
  return body;
}
