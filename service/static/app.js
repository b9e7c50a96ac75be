// The entry point of the page: question box, stream of the answer, language and status line.

import { Problem, events, explain, problem, valueOf } from "./answer_stream.js";
import { Shell } from "./shell.js";
import { AskScope } from "./scope.js";
import { language, number, switchLanguage, t, translatePage } from "./i18n.js";
import { h, note, standing } from "./render.js";
import { languageOf, plainClaim } from "./text.js";
import { hideTip } from "./tooltip.js";
import { AnswerView } from "./answer.js";
import { StartPage } from "./start_page.js";
import { WriterPicker } from "./writer.js";

const $ = (id) => document.getElementById(id);
const input = $("question");
const turns = [];
let running = null; // {turn, controller}
let lastStatus = null;

// --- Speaking to the reader -------------------------------------------------------------------

/** `quiet`: to be seen, not to be read out. */
function status(key, values, quiet = false) {
  lastStatus = key ? [key, values] : null;
  const words = key ? t(key, values) : "";
  $("status").replaceChildren(quiet ? h("span", { "aria-hidden": "true" }, words) : words);
  $("status").classList.toggle("busy", running !== null);
}

/** Read out once by screen readers, then taken away so that it is not met a second time. */
function announce(words) {
  const line = h("p", { lang: languageOf(words) }, words);
  $("announcer").append(line);
  setTimeout(() => line.remove(), 15000);
}

// --- Asking -----------------------------------------------------------------------------------

async function ask(question, given) {
  const options = { ...writer.chosen, scope: scope.asked, ...given };
  if (running) return status("busy");
  if (options.scope?.source_ids?.length === 0) return status("noneChosen");
  const controller = new AbortController();
  const sent = body(question, options);
  const turn = new AnswerView(question, options, { ...actions, ...asking });
  running = { turn, controller };
  begin(turn);
  const started = performance.now();
  try {
    for await (const { event, data } of events(sent, controller.signal, options.fresh)) {
      receive(turn, event, data, () => (performance.now() - started) / 1000);
      if (!turn.running) break;
    }
    if (turn.running) throw new Problem(t("failed"), t("cutOff"));
  } catch (error) {
    if (controller.signal.aborted) turn.stop();
    else turn.fail(explain(error));
    if (error.code === "no_conversation") desk.lost(); // deleted elsewhere
  }
  running = null;
  settle(turn);
}

function begin(turn) {
  reader?.close();
  loadReader();
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
  status("doing.searching");
  turn.said.add("searching");
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
    status({ abstained: "doneAbstained", guide: "doneGuide" }[turn.answer.mode] ?? "done", values);
  }
}

function body(question, { quoted, model, scope: within }) {
  const asked = { question, progress: true, draft: true, ...within };
  if (desk.id) asked.conversation_id = desk.id;
  if (quoted) asked.mode = "quoted";
  if (model) asked.model = model;
  return asked;
}

function receive(turn, event, data, elapsed) {
  if (event === "again") return turn.reset();
  if (data === "[DONE]") return;
  const value = valueOf(event, data);
  if (event === "status") progress(turn, value.step);
  else if (event === "draft") turn.setDraft(value.sentences);
  else if (event === "rejected") turn.addRejected(value);
  else if (event === "evidence") {
    turn.setEvidence(value.evidence);
    turn.understand(value.understood);
  } else if (event === "claim") {
    turn.addClaim(value);
    sayClaim(turn, value);
  } else if (event === "answer") {
    turn.finish(value, elapsed());
    turn.understand(value.understood);
    if (value.conversation_id) desk.answered(value);
    if (value.mode === "abstained") announce(value.reason || t("abstainedWhy"));
    else value.claims.forEach((claim) => sayClaim(turn, claim));
    if (value.reason && value.mode !== "abstained") announce(value.reason);
  } else if (event === "error") {
    throw problem(value);
  }
}

/** Each step is read out the first time. Why a second question was not taken stays to be read, but for bad news. */
function progress(turn, step) {
  if (!t(`doing.${step}`)) return; // a step that this page does not know
  if (lastStatus?.[0] === "busy" && step !== "lost" && step !== "offline") return;
  status(`doing.${step}`, undefined, turn.said.has(step));
  turn.said.add(step);
}

/** Once, however often the stream had to be taken up. */
function sayClaim(turn, claim) {
  const how = standing(claim);
  const verdict = how === "ticked" || how === "supported" ? "" : ` (${t(`verdict.${how}`)})`;
  const words = plainClaim(claim) + verdict;
  if (!turn.said.has(words)) announce(words);
  turn.said.add(words);
}

// --- The question box -------------------------------------------------------------------------

function submit() {
  const question = input.value.trim();
  if (running) return status("busy");
  if (!question) return input.focus();
  if (scope.isNothing) return status("noneChosen");
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
  if (e.key !== "Escape" || e.isComposing || document.querySelector("dialog[open]:not(#reader)")) return;
  if (hideTip()) return;
  if (reader?.isOpen) reader.close();
  else stop();
});
addEventListener("pagehide", stop); // who leaves the page has the server stop as well

// --- Language, sources, state of the service --------------------------------------------------

const scope = new AskScope();
const connected = () => { writer.chooseUsual(); start.refresh(); };
const desk = new Shell({ show, clear, leave, say: announce, status, changed: () => start.refresh(), connected, scope });
const connect = () => desk.with(({ model }) => model.open());
const start = new StartPage(scope, { ask, openModel: connect, openLibrary: () => desk.with(({ library }) => library.open()), changed: () => writer.draw(start.models) });
const writer = new WriterPicker($("writer-place"), connect);
scope.onChange(() => start.draw());
$("scope").addEventListener("click", () => desk.with(({ menu }) => menu.open()));
$("scope-clear").addEventListener("click", () => { scope.choose(); input.focus(); });

let reader = null; // the pane of a source: not needed to ask, so it is fetched while an answer comes
const loadReader = () => import("./source_pane.js")
  .then(({ SourcePane }) => (reader ??= new SourcePane($("reader")))).catch(() => null);
async function read(...where) {
  const pane = await loadReader();
  pane ? pane.open(...where) : status("unreachable");
}

const actions = { edit, ask, say: announce, read, shut: () => reader?.close(), where: (asked) => scope.words(asked), translates: () => start.models.length > 0 };
/** Asked of one source alone, or of all but one: from the next question on, this one if none is written. */
const only = (source, question) => narrow(scope.only(source), question);
const leaveOut = (source, question) => narrow(desk.with(({ library }) => library.leave(source.id)), question);
const asking = { only, leave: leaveOut, again: (question, options) => leave().then(() => ask(question, { ...options, fresh: true })) };
async function narrow(done, question) {
  await done;
  if (!input.value) edit(question);
  input.focus();
  status("narrowed");
}

function drawPage() {
  translatePage();
  const other = language() === "ja" ? "en" : "ja";
  $("language").textContent = t("other");
  $("language").lang = other;
  button();
  scope.draw();
  start.draw();
  writer.draw(start.models);
  desk.draw();
  reader?.redraw();
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

// --- Conversations ------------------------------------------------------------------------------

const reading = document.body.classList.contains("reading"); // what somebody shared, and no more

/** Answers that were given before, as they were. */
function show(answers) {
  if (!reading) clear();
  for (const answer of answers) {
    scope.learn(answer.evidence.map((e) => e.source));
    const turn = new AnswerView(answer.question, { past: true, scope: answer.scope ?? undefined }, { ...actions, ...(reading ? {} : asking) });
    turn.finish(answer);
    turn.understand(answer.understood);
    if (!reading) begin(turn);
    else $("turns").append(turns[turns.push(turn) - 1].root);
  }
  if (!reading && answers.length) scope.restore(answers.at(-1));
  status(null);
}

/** The start page again, with what went wrong. */
function clear(problem) {
  hideTip();
  reader?.close();
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
  start.draw();
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
if (!reading) scope.arrive().then((name) => name && clear({ title: t("collectionGone", { name }), detail: t("collectionGoneDo") }));
input.value = new URLSearchParams(location.search).get("q") ?? input.value; // a link may bring a question; asking stays the reader's act
grow();
