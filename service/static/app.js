// Wiring: the question box, the stream of an answer, the language, the status line.

import { Problem, problem } from "./api.js";
import { Desk } from "./desk.js";
import { language, number, switchLanguage, t, translatePage } from "./i18n.js";
import { bdi, h, note, verdictWord } from "./render.js";
import { readEvents } from "./sse.js";
import { languageOf, plainClaim } from "./text.js";
import { hideTip } from "./tip.js";
import { Turn } from "./turn.js";

const $ = (id) => document.getElementById(id);
const input = $("question");
const turns = [];
let running = null; // {turn, controller}
let ready = null;   // what /readyz said
let lastStatus = null;

// --- Speaking to the reader -------------------------------------------------------------------

function status(key, values) {
  lastStatus = key ? [key, values] : null;
  $("status").textContent = key ? t(key, values) : "";
  $("status").classList.toggle("busy", running !== null);
}

/** Read out once by screen readers, then taken away so that it is not met a second time. */
function announce(words) {
  const line = h("p", { lang: languageOf(words) }, words);
  $("announcer").append(line);
  setTimeout(() => line.remove(), 15000);
}

// --- Asking -----------------------------------------------------------------------------------

async function ask(question, options = { quoted: $("quotes-only").checked, sources: desk.library?.chosen }) {
  if (running) return status("busy");
  if (options.sources?.length === 0) return status("noneChosen");
  const controller = new AbortController();
  const turn = new Turn(question, options, { edit, ask, say: announce });
  running = { turn, controller };
  begin(turn);
  const started = performance.now();
  try {
    for await (const { event, data } of stream(question, options, controller.signal)) {
      receive(turn, event, data, () => (performance.now() - started) / 1000);
      if (!turn.running) break;
    }
    if (turn.running) throw new Problem(t("failed"), t("cutOff"));
  } catch (error) {
    if (controller.signal.aborted) turn.stop();
    else turn.fail(explain(error, turn));
    if (error.status === 404 && /conversation/.test(error.detail)) desk.lost(); // deleted elsewhere
  }
  running = null;
  settle(turn);
}

function begin(turn) {
  document.body.classList.remove("fresh");
  document.title = `${turn.question} – Tenkyo`;
  const fromExample = $("examples").contains(document.activeElement);
  $("intro").classList.add("sr"); // the page keeps its heading for those who move by headings
  $("examples").hidden = $("empty-note").hidden = true;
  document.querySelector("main > .note")?.remove();
  $("announcer").replaceChildren();
  turns.push(turn);
  $("turns").append(turn.root);
  answerHeights?.observe(turn.root.querySelector(".answer"));
  if (fromExample) (matchMedia("(pointer: coarse)").matches ? turn.root : input).focus({ preventScroll: true });
  button();
  status("searching");
  if (turns.length === 1) scrollTo(0, 0);
  else turn.root.scrollIntoView({ block: "start" });
}

function settle(turn) {
  button();
  if (turn.phase === "stopped") status("stopped");
  else if (turn.phase === "failed") {
    status("failed");
    announce([turn.problem.title, turn.problem.detail].filter(Boolean).join(" "));
  } else {
    const values = { seconds: number(turn.seconds, 1), n: turn.claims.length, held: turn.rejected.length };
    status(turn.answer.mode === "abstained" ? "doneAbstained" : "done", values);
  }
}

async function* stream(question, { quoted, sources }, signal) {
  const body = { question };
  if (desk.id) body.conversation_id = desk.id;
  if (sources) body.source_ids = sources;
  if (quoted) body.mode = "quoted";
  const response = await fetch("/v1/answers", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify(body),
    signal,
  });
  const type = response.headers.get("Content-Type") ?? "";
  if (!response.ok) throw problem(type.includes("json") ? await response.json().catch(() => null) : null, response.status);
  if (!type.includes("text/event-stream")) return yield { event: "answer", data: await response.text() };
  yield* readEvents(response.body);
}

// What the page draws of each event. One that lacks it is refused whole, not drawn by half.
const isClaim = (value) => typeof value?.text === "string" && Array.isArray(value.citations);
const HAS = {
  evidence: (value) => Array.isArray(value?.evidence),
  claim: isClaim,
  rejected: (value) => typeof value?.text === "string",
  answer: (value) => HAS.evidence(value) && Array.isArray(value.rejected) && Array.isArray(value.claims) && value.claims.every(isClaim),
};

function receive(turn, event, data, elapsed) {
  if (data === "[DONE]") return;
  const value = JSON.parse(data);
  if (HAS[event]?.(value) === false) throw new SyntaxError(event);
  if (event === "evidence") {
    turn.setEvidence(value.evidence);
    status("writing");
  } else if (event === "claim") {
    turn.addClaim(value);
    const verdict = value.verdict?.label === "supported" ? "" : ` (${verdictWord(value.verdict)})`;
    announce(plainClaim(value) + verdict);
  } else if (event === "rejected") {
    turn.addRejected(value);
  } else if (event === "answer") {
    const streamed = turn.claims.length;
    turn.finish(value, elapsed());
    if (value.conversation_id) desk.answered(value);
    if (value.mode === "abstained") announce(value.reason || t("abstainedWhy"));
    else value.claims.slice(streamed).forEach((claim) => announce(plainClaim(claim)));
  } else if (event === "error") {
    throw problem(value);
  }
}

function explain(error) {
  if (error instanceof Problem) return error;
  if (error instanceof SyntaxError) return { title: t("failed"), detail: t("garbled") };
  if (error instanceof TypeError) {
    console.error(error);
    return { title: t("failed"), detail: t(running.turn.phase === "searching" ? "unreachable" : "cutOff") };
  }
  return { title: t("failed"), detail: error.message };
}

// --- The question box -------------------------------------------------------------------------

function submit() {
  const question = input.value.trim();
  if (running) return status("busy");
  if (!question) return input.focus();
  if (desk.library?.chosen?.length === 0) return status("noneChosen");
  input.value = "";
  grow();
  if (matchMedia("(pointer: coarse)").matches) input.blur(); // put the on-screen keyboard away
  ask(question);
}

/** Into the box to be changed; by the browser's own editing, so that undo brings a draft back. */
function edit(question) {
  input.focus();
  input.select();
  if (!document.execCommand?.("insertText", false, question)) input.value = question;
  grow();
}

function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
}

function button() {
  $("ask").textContent = t(running ? "stop" : "ask");
  $("ask").classList.toggle("stop", running !== null);
}

const stop = () => running?.controller.abort();

$("composer").addEventListener("submit", (e) => {
  e.preventDefault();
  if (running) stop();
  else submit();
});
$("ask").addEventListener("click", (e) => {
  if (running && e.detail > 1) e.preventDefault(); // the second half of a double click is no wish to stop
});
input.addEventListener("input", grow);
input.addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || e.shiftKey || e.isComposing || e.keyCode === 229) return; // 229: an input method has the key
  e.preventDefault();
  submit();
});
addEventListener("keydown", (e) => {
  if (e.key !== "Escape" || e.isComposing || document.querySelector("dialog[open]")) return;
  if (!hideTip()) stop();
});

// --- Language, sources, state of the service --------------------------------------------------

const desk = new Desk({ show, clear, leave, say: announce, status, changed: look, chosen: drawScope });
$("scope").addEventListener("click", () => { desk.library.clear(); input.focus(); });

function drawScope() {
  const chosen = desk.library?.chosen;
  $("scope").hidden = !chosen;
  if (!chosen) return;
  $("scope").replaceChildren(t("scope", { n: chosen.length, all: desk.library.size }), h("span", { "aria-hidden": "true" }, " ×"));
  $("scope").title = t("scopeClear");
}

function drawFacts() {
  if (!ready) return;
  const none = ready.sources === 0;
  $("empty-note").hidden = !none || !document.body.classList.contains("fresh");
  if (turns.length === 0) $("example-list").parentNode.classList.toggle("nothing", none);
  if (none) return $("facts").replaceChildren(t("noSources"));
  const ok = Number.isInteger(ready.sources) && ready.sources > 0;
  const parts = ok ? [t("facts", { sources: ready.sources, passages: number(ready.passages) })] : [t("notReady")];
  if (ok && ready.model) parts.push(" · ", bdi(t("factsModel", { model: ready.model })));
  $("facts").replaceChildren(...parts);
}

function drawPage() {
  translatePage();
  const other = language() === "ja" ? "en" : "ja";
  $("language").textContent = t("other");
  $("language").lang = other;
  $("example-list").replaceChildren(...t("examples").map((words) =>
    h("li", {}, h("button", { type: "button", class: "example", onclick: () => ask(words) }, words))));
  button();
  drawScope();
  drawFacts();
  desk.draw();
  if (lastStatus) $("status").textContent = t(...lastStatus);
}

$("language").addEventListener("click", () => {
  hideTip();
  switchLanguage();
  drawPage();
  for (const turn of turns) {
    turn.rebuild();
    answerHeights?.observe(turn.root.querySelector(".answer"));
  }
});

// On a wide screen a short answer stays in view beside its sources; a long one scrolls with them.
const answerHeights = globalThis.ResizeObserver && new ResizeObserver((entries) => {
  for (const { target } of entries) target.classList.toggle("stays", target.offsetHeight < innerHeight - 260);
});

function look() {
  fetch("/readyz", { headers: { Accept: "application/json" } })
    .then((response) => response.json())
    .then((body) => { ready = body; drawFacts(); })
    .catch(() => {}); // a courtesy; asking will say what is wrong
}

// --- Conversations ------------------------------------------------------------------------------

const reading = document.body.classList.contains("reading"); // what somebody shared, and no more

/** Answers that were given before, as they were. */
function show(answers) {
  if (!reading) clear();
  for (const answer of answers) {
    const turn = new Turn(answer.question, { quoted: false }, { edit, ask, say: announce });
    turn.finish(answer);
    if (!reading) begin(turn);
    else $("turns").append(turns[turns.push(turn) - 1].root);
  }
  status(null);
}

/** The start page again, with what went wrong. */
function clear(problem) {
  hideTip();
  for (const { root } of turns.splice(0)) root.remove();
  document.body.classList.add("fresh");
  document.title = "Tenkyo 典拠";
  $("intro").classList.remove("sr");
  $("examples").hidden = false;
  status(null);
  document.querySelector("main > .note")?.remove();
  if (problem) {
    $("intro").after(note("failed", problem.title, problem.detail));
    announce(problem.title);
  }
  drawFacts();
  scrollTo(0, 0);
}

/** Stop what is being written, and wait until it has. */
async function leave() {
  stop();
  while (running) await new Promise((done) => setTimeout(done, 20));
}

document.querySelector(".brand").addEventListener("click", (e) => {
  if (reading || e.ctrlKey || e.metaKey || e.shiftKey) return;
  e.preventDefault();
  desk.go(null).then(() => input.focus());
});

drawPage();
desk.start();
if (!reading) look();
input.value = new URLSearchParams(location.search).get("q") ?? input.value; // a link may bring a question; asking stays the reader's act
grow();
