// JSON requests to the API. Errors are thrown as a Problem: a title and mostly a sentence to show.

import "./i18n_problems.js";
import { t } from "./i18n.js";

export class Problem extends Error {
  constructor(title, detail, status, code) {
    super(title);
    this.title = title;
    this.detail = detail;
    this.status = status; // that of HTTP, where there was one
    this.code = code; // the kind of problem, where the service gave it one
  }

  /** In the page's own words, which say what to do as well: nothing is to be added. */
  own = false;

  /** Asked again as it stands, it would be refused again. */
  get final() { return [400, 413, 422].includes(this.status); }
}

/** The problem document of a reply in the page's own words, else in those of the service, else what can be said without. */
export function problem(body, replied) {
  const status = body?.status ?? replied;
  const code = body?.code;
  const own = t(`problems.${code}`) ?? t(`notRead.${code}`);
  if (own) return Object.assign(new Problem(own, undefined, status, code), { own: true });
  return new Problem(body?.title || t("problem", { status }), typeof body?.detail === "string" && body.detail !== body.title ? body.detail : undefined, status, code);
}

/** The JSON of a reply, null where there is none to have (204). */
export async function api(path, { method = "GET", json, body, signal, headers: more } = {}) {
  const headers = { Accept: "application/json", ...more };
  if (json) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, signal, body: json ? JSON.stringify(json) : body });
  } catch {
    throw new Problem(t(navigator.onLine ? "unreachable" : "offline"));
  }
  if (response.status === 204) return null;
  const type = response.headers.get("Content-Type") ?? "";
  const value = type.includes("json") ? await response.json().catch(() => null) : null;
  if (!response.ok) throw problem(value, response.status);
  if (value === null) throw new Problem(t("garbled"));
  return value;
}
