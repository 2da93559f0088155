// Areas by their names. A page learns the codes that it is about to show; where nobody knows a name the code stands.

import * as api from "./api.js";

const known = new Map();

export async function learn(codes) {
  const fresh = [...new Set(codes)].filter((code) => code && !known.has(code)).slice(0, 100);
  if (!fresh.length) return;
  const found = await api.get(`/cases/areas?${new URLSearchParams({ codes: fresh.join(",") })}`);
  for (const code of fresh) known.set(code, found[code] || code);
}

export const areaName = (code) => known.get(code) || code || "";
