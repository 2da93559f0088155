// The service's API: one place for the token, for sentences of refusal and for retries that can't double an action.

const KEY = "yiwang.token";
let onExpired = () => {};

export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `服务没有应答（${status}）`);
    this.status = status;
    this.todo = problem.do || "";
    this.code = problem.code || "";
    this.trace = problem.trace_id || "";
    this.fields = (problem.errors || []).map((e) => [e.path || e.field || "", e.message || e.detail || ""]);
  }
}

export const token = () => sessionStorage.getItem(KEY) || "";
export const setToken = (value) => (value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY));
export const whenExpired = (call) => (onExpired = call);

/** What the token says of its holder; its signature is the server's business. */
export function holder() {
  try {
    const part = token().split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (c) => c.charCodeAt(0))));
  } catch {
    return null;
  }
}

async function call(path, options = {}) {
  const headers = { ...(options.headers || {}) };
  if (token()) headers.Authorization = `Bearer ${token()}`;
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch {
    throw new Refusal(0, { detail: "连不上服务", do: "检查网络后再试；已填写的内容还在" });
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401 && token()) {
    setToken("");
    onExpired();
  }
  throw new Refusal(answer.status, problem);
}

export const get = async (path) => (await call(path)).json();
export const blob = async (path) => (await call(path)).blob();

/** The same `once` sends the same action once, however often the button is pressed or the line breaks. */
export async function send(path, body, once = "") {
  const headers = { "Content-Type": "application/json" };
  if (once) headers["Idempotency-Key"] = once;
  const answer = await call(path, { method: "POST", headers, body: JSON.stringify(body) });
  return answer.status === 204 ? null : answer.json();
}

/** Asks for a fresh token when the present one ends within ten minutes; a session that is over shows at the next call. */
export async function renew() {
  const claims = holder();
  if (!claims?.auth_time || claims.exp * 1000 - Date.now() > 600_000) return;
  setToken((await send("/identity/renew", {})).access_token);
}

export async function upload(path, file) {
  return (await call(path, { method: "POST", headers: { "Content-Type": file.type || "image/jpeg" }, body: file })).json();
}
