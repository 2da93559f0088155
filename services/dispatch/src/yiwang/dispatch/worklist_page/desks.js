// The desks beside the queues: what isn't one list of cases by state. Each says for whom it is and how many wait.

import { h } from "./dom.js";
import { GIVERS, patrolDesk, taskDesk } from "./field_work.js";
import { holds } from "./forms.js";
import { sentence } from "./login.js";
import { partDesk } from "./shared_work.js";
import { incoming } from "./tiers.js";
import { whistleDesk } from "./whistles.js";

const DESKS = [
  { queue: "tasks", group: "外业", name: "我的任务", roles: ["collector"], load: taskDesk },
  { queue: "patrols", group: "外业", name: "巡查任务", roles: GIVERS, load: patrolDesk },
  { queue: "parts", group: "协同", name: "协办事项", roles: ["dept_operator", "handler"], load: partDesk },
  { queue: "whistles", group: "协同", name: "吹哨报到", load: whistleDesk,
    roles: ["community_worker", "acceptor", "dept_operator", "handler", "dispatcher", "shift_leader", "supervisor", "leader"] },
  { queue: "incoming", group: "上下级", name: "待接收与回访", load: incoming,
    roles: ["acceptor", "dispatcher", "shift_leader", "supervisor", "leader"] },
];
export const BESIDE = new Set(["all", "subtree", ...DESKS.map((desk) => desk.queue)]);

/** The caller's desks with their counts; one that doesn't answer says so and hides nothing else. */
export async function loadDesks(refresh) {
  const mine = DESKS.filter((desk) => holds(...desk.roles));
  return Promise.all(mine.map(async (desk) => {
    try {
      return { ...desk, late: 0, ...(await desk.load(refresh)) };
    } catch (refusal) {
      if (refusal.status === 401) throw refusal;
      return { ...desk, count: 0, late: 0, element: h("p", { class: "empty" }, sentence(refusal)) };
    }
  }));
}
