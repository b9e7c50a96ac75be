// The events of an answer, over HTTP. A stream that breaks is resumed; then there are events of our own
// too: "status" while the service is unreachable, "again" when the answer starts from the beginning.

import { Problem, problem as toldBy } from "./api.js";
import { t } from "./i18n.js";
import { readEvents } from "./sse.js";

const BROKEN = [300, 700, 1500, 3000, 5000]; // ms before each attempt to take a stream up again
const UNREACHED = [300, 700]; // the same where nothing has come yet: soon say that nobody is there
const BACK = 15_000; // ms after which an offline browser is no longer taken at its word

/** The connection was lost, or never made. `begun`: something of the answer had come. */
export class Lost extends Error {
  begun = false;
}

/** What the server says is wrong with a question, and what to do about it. */
export function problem(body, code) {
  const made = toldBy(body, code);
  if (!made.own) made.detail ??= t("problemDo");
  if (made.status === 503 && Number.isInteger(body?.retry_after)) { // nothing is amiss: only not now
    made.title = t("notNow");
    made.detail = t("notNowDo", { n: body.retry_after });
  }
  return made;
}
export { Problem };

/** What an error says to the reader. */
export function explain(error) {
  if (error instanceof Problem) return error;
  if (error instanceof SyntaxError) return { title: t("failed"), detail: t("garbled") };
  if (error instanceof Lost) return { title: t("failed"), detail: t(error.begun ? "cutOff" : navigator.onLine ? "unreachable" : "offline") };
  console.error(error);
  return { title: t("failed"), detail: error.message };
}

/** Visible and never the same; randomUUID() is not there on plain http. */
export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The events of an answer, {event, data}. Stopped by the signal, or by who leaves the loop, the
 *  server stops too; else it would wait a while for a reader who made a key to come back.
 *  `fresh`: an answer that is kept will not do. */
export async function* events(body, signal, fresh = false) {
  const key = newKey();
  let last = "";
  let failed = 0;
  let over = false;
  const leave = () => fetch("/v1/answers", { method: "DELETE", headers: { "Idempotency-Key": key }, keepalive: true }).catch(() => {});
  signal.addEventListener("abort", leave, { once: true });
  try {
    for (;;) {
      try {
        for await (const event of connection(body, { key, last, fresh }, signal)) {
          failed = 0;
          last = event.id || last;
          over = event.event === "answer" || event.event === "error";
          yield event;
          if (over) return;
        }
        if (!last) throw new Problem(t("failed"), t("cutOff"));
      } catch (error) {
        if (signal.aborted) throw error;
        if (error.status === 410 && last) { // it was stopped meanwhile, or the server was
          last = "";
          yield { event: "again" };
          continue;
        }
        if (!(error instanceof Lost) || failed === (last ? BROKEN : UNREACHED).length) {
          over = true;
          error.begun = last !== "";
          throw error;
        }
      }
      yield { event: "status", data: JSON.stringify({ step: navigator.onLine ? "lost" : "offline" }) };
      await (navigator.onLine ? after((last ? BROKEN : UNREACHED)[failed++] ?? 0, signal) : online(signal));
    }
  } finally {
    signal.removeEventListener("abort", leave);
    if (!over && !signal.aborted) leave();
  }
}

async function* connection(body, { key, last, fresh }, signal) {
  const headers = { "Content-Type": "application/json", Accept: "text/event-stream", "Idempotency-Key": key };
  if (last) headers["Last-Event-ID"] = last;
  if (fresh) headers["Cache-Control"] = "no-cache";
  const response = await reached(fetch("/v1/answers", { method: "POST", headers, body: JSON.stringify(body), signal }));
  const type = response.headers.get("Content-Type") ?? "";
  if (!response.ok) {
    if ([502, 503, 504].includes(response.status) && !type.includes("json")) throw new Lost(); // a proxy whose service restarts
    throw problem(type.includes("json") ? await response.json().catch(() => null) : null, response.status);
  }
  if (!type.includes("text/event-stream")) return yield { event: "answer", data: await reached(response.text()) };
  const all = readEvents(response.body);
  try {
    for (;;) {
      const { done, value } = await reached(all.next());
      if (done) return;
      yield value;
    }
  } finally {
    all.return();
  }
}

/** fetch() and its streams throw a TypeError for whatever the network does. */
const reached = (promise) => promise.catch((error) => {
  throw error instanceof TypeError ? Object.assign(new Lost(), { cause: error }) : error;
});

const after = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

const online = (signal) => Promise.race([after(BACK, signal), new Promise((resolve) => addEventListener("online", resolve, { once: true }))]);

// What the page draws of each event. One that lacks it is refused whole, not drawn by half.
const isClaim = (value) => typeof value?.text === "string" && Array.isArray(value.citations);
const HAS = {
  evidence: (value) => Array.isArray(value?.evidence),
  claim: isClaim,
  rejected: (value) => typeof value?.text === "string",
  draft: (value) => Array.isArray(value?.sentences) && value.sentences.every((words) => typeof words === "string"),
  status: (value) => typeof value?.step === "string",
  answer: (value) => HAS.evidence(value) && Array.isArray(value.rejected) && Array.isArray(value.claims) && value.claims.every(isClaim),
};

/** What an event holds. */
export function valueOf(event, data) {
  const value = JSON.parse(data);
  if (HAS[event]?.(value) === false) throw new SyntaxError(event);
  return value;
}
