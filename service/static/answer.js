// One question and its answer on the page: applies the events of a stream to the DOM step by step.

import { answerActions } from "./answer_actions.js";
import { Draft } from "./draft.js";
import { foreignNote } from "./foreign_quote.js";
import { numberSources } from "./numbers.js";
import { SourcesBeside } from "./sources_beside.js";
import { t } from "./i18n.js";
import * as render from "./render.js";
import { languageOf, plainClaim, safeUrl } from "./text.js";
import { hideTip, tipHandlers } from "./tooltip.js";
import { answerMark, disputes, remarks, withheldPanel } from "./verdict.js";

const { h } = render;
let turns = 0;

export class AnswerView {
  /** `actions`: edit(question), ask(question, options), say(words), read(stops, at, opener, shown),
   *  shut() what was opened to read, translates(): whether a model can; where one may ask, also
   *  again(question, options), only(source), leave(source). */
  constructor(question, options, actions) {
    this.id = `t${++turns}`;
    this.question = question;
    this.options = options; // what it was asked with: its scope; for one of this visit also its writer
    this.actions = actions;
    this.phase = "searching"; // then writing; then done, stopped or failed
    this.evidence = [];
    this.claims = [];
    this.rejected = [];
    this.answer = null;
    this.problem = null;
    this.understood = ""; // the question as the server took it, where that is not as it was put
    this.said = new Set(); // sentences that were read out
    this.root = h("article", { class: "turn", tabindex: "-1" });
    this.numbers = new Map(); // of the sources, by their ids
    this.draft = new Draft();
    this.rebuild();
  }

  get running() {
    return this.phase === "searching" || this.phase === "writing";
  }

  // --- Events ---

  setEvidence(evidence) {
    this.phase = "writing";
    this.evidence = evidence ?? [];
    this.#drawSources();
  }

  addClaim(claim) {
    this.claims.push(claim);
    numberSources([claim], this.numbers);
    this.draft.decided(claim.text);
    this.#drawClaim(claim, this.claims.length - 1);
    this.#placeCards();
  }

  addRejected(rejected) {
    this.rejected.push(rejected);
    this.draft.decided(rejected.text);
    this.#drawEnd();
  }

  setDraft(sentences) {
    this.draft.show(sentences);
  }

  /** The answer is begun again: what was shown of it may not be part of it. */
  reset() {
    this.phase = "searching";
    this.evidence = [];
    this.claims = [];
    this.rejected = [];
    this.numbers = new Map();
    this.draft.show([]);
    this.rebuild();
  }

  understand(words) {
    if (typeof words !== "string" || words.trim() === this.question.trim()) return;
    this.understood = words;
    this.#drawUnderstood();
  }

  /** The whole answer is the truth: where the stream said something else, the page follows it. */
  finish(answer, seconds) {
    this.phase = "done";
    this.draft.end();
    this.seconds = seconds;
    this.answer = answer;
    const identity = (e) => [e.label, e.passage.id];
    const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    const changed = !same(this.claims, answer.claims) || !same(this.evidence.map(identity), answer.evidence.map(identity));
    this.claims = answer.claims;
    this.rejected = answer.rejected;
    this.evidence = answer.evidence;
    if (changed) this.numbers = numberSources(this.claims);
    if (changed) return this.rebuild();
    this.#placeCards();
    this.#drawEnd();
  }

  stop() {
    this.phase = "stopped";
    this.draft.end();
    this.#placeCards();
    this.#drawEnd();
  }

  fail(problem) {
    this.phase = "failed";
    this.draft.end();
    this.problem = problem;
    this.#placeCards();
    this.#drawEnd();
  }

  // --- Drawing ---

  /** Everything anew, from the state: at the start and when the language changes. */
  rebuild() {
    const lang = languageOf(this.question);
    this.lead = h("div", { class: "lead", hidden: true });
    this.list = h("ol", { class: "claims", role: "list" }, this.running && this.draft.item);
    this.end = h("div", { class: "end" });
    this.renewal = this.running && this.actions.again && h("button", { type: "button", class: "plain", title: t("answerAgainNow"), onclick: () => this.#answerAgain() }, t("answerAgain"));
    this.taken = h("p", { class: "understood" });
    this.side = h("div", { class: "side", role: "group", "aria-label": t("sources") });
    this.root.setAttribute("aria-labelledby", `${this.id}-q`);
    this.root.replaceChildren(
      h("header", { class: "asked" },
        h("h2", { id: `${this.id}-q`, dir: "auto", lang }, this.question),
        h("button", { type: "button", class: "plain", title: t("editOf"), onclick: () => this.actions.edit(this.question) },
          t("edit"), render.srOnly(`: ${this.question}`)),
        this.#scoped(), this.taken),
      h("div", { class: "columns" },
        h("div", { class: "answer", role: "group", "aria-label": t("answer") }, this.lead, this.list, this.end),
        this.side));
    this.#drawUnderstood();
    this.#drawSources();
    this.claims.forEach((claim, i) => this.#drawClaim(claim, i));
    this.#placeCards();
    this.#drawEnd();
  }

  /** Where it was asked, unless that is the whole library. */
  #scoped() {
    return this.options.scope && h("p", { class: "asked-in" }, t("askedIn"), " ", render.bdi(this.actions.where(this.options.scope)));
  }

  #drawUnderstood() {
    this.taken.hidden = !this.understood;
    this.taken.replaceChildren(t("understood"), " ", render.bdi(this.understood));
  }

  #sourceOf(citation) {
    return this.evidence.find((e) => e.source.id === citation.source_id)?.source;
  }

  /** How a source is named in the answer: by its number, or by its title where it has none. */
  #nameOf(citation) {
    const at = this.numbers.get(citation.source_id);
    return at ? `[${at}]` : this.#sourceOf(citation)?.title ?? "";
  }

  #drawClaim(claim, index) {
    const source = (citation) => this.#sourceOf(citation);
    const name = (citation) => this.#nameOf(citation);
    const read = (citation, opener) => this.#read(index, citation, opener);
    const markers = (labels) => {
      const cited = claim.citations.filter((c) => labels.includes(c.label));
      return [...new Set(cited.map((c) => c.source_id))].map((id) => {
        const citations = cited.filter((c) => c.source_id === id);
        const [about, label] = [source(citations[0]), this.numbers.get(id)];
        return render.markerButton(label, about?.title ?? "", {
          ...tipHandlers(() => ({ label, source: about, citations })),
          onclick: (e) => read(citations.find((c) => !c.metadata) ?? citations[0], e.currentTarget),
        });
      });
    };
    const below = [disputes(claim, source, name, read), render.verbatim(claim) && this.#foreign(claim.citations)];
    const item = render.claimItem(claim, markers, remarks(claim), below);
    this.draft.item.parentNode === this.list ? this.draft.item.before(item) : this.list.append(item);
    this.list.classList.toggle("mixed", this.claims.some((each) => !render.verbatim(each)));
  }

  /** Below quotes of one source that are not in the language of the question. */
  #foreign(citations) {
    return citations.length > 0 && foreignNote(this.#sourceOf(citations[0]), citations, languageOf(this.question), this.actions.translates?.());
  }

  #drawSources() {
    this.beside = new SourcesBeside(this.side, this.evidence, {
      id: `${this.id}-s`,
      back: (claim, id) => this.#backTo(claim, id),
      read: (label, opener) => this.#readPassage(label, opener),
      foreign: (citations) => this.#foreign(citations),
      name: (citation) => this.#nameOf(citation),
      only: this.actions.only && ((source) => this.actions.only(source, this.question)),
      leave: this.actions.leave && ((source) => this.actions.leave(source, this.question)),
    });
    this.#placeCards();
  }

  #placeCards() {
    this.beside.place(this.claims, this.numbers, { abstained: this.answer?.mode === "abstained", running: this.running });
  }

  #drawEnd() {
    const { answer, rejected, claims } = this;
    const open = [".withheld", ".fine"].filter((fold) => this.end.querySelector(fold)?.open);
    const held = this.renewal && document.activeElement === this.renewal;
    const parts = [];
    if (this.running) parts.push(h("div", { class: "take" }, this.draft.note, this.renewal));
    if (answer?.mode === "abstained") parts.push(render.abstention(answer, this.#everywhere()));
    else if (answer?.mode === "guide") parts.push(render.note("guide", null, answer.reason));
    else if (answer && !claims.length) parts.push(render.note("empty", t("noModel"), answer.reason));
    const unwritten = ["quoted", "metadata"].includes(answer?.mode) && claims.length > 0;
    this.lead.hidden = !unwritten || !answer.reason;
    this.lead.replaceChildren(this.lead.hidden ? "" : render.note("remark", null, answer.reason)); // what the sentences are: before them
    if (answer?.mode === "generated" && claims.length && answer.reason) parts.push(render.note("remark", null, answer.reason));
    if (this.phase === "stopped") {
      parts.push(render.note("stopped", null, t(claims.length ? "stoppedNote" : "stoppedEmpty"), this.#again()));
    }
    if (this.phase === "failed") parts.push(render.note("failed", this.problem.title, this.problem.detail, this.problem.final ? this.#editing() : h("button", { type: "button", class: "secondary again", onclick: () => this.actions.ask(this.question, this.options) }, t("retry"))));
    if (answer && claims.length) parts.push(answerMark(answer, claims, rejected));
    if (rejected.length) parts.push(withheldPanel(rejected, (citation) => this.#nameOf(citation)));
    if (answer) parts.push(this.#details());
    if (answer?.id) {
      const ask = (words) => this.actions.ask(words, { ...this.options, past: false });
      const again = this.actions.again && (() => this.#answerAgain());
      parts.push(...answerActions(this, { ask, again, say: this.actions.say, plain: () => this.#plain() }).filter(Boolean));
    }
    this.end.replaceChildren(...parts);
    if (held) (this.running ? this.renewal : this.end.querySelector(".again, .take .plain"))?.focus({ preventScroll: true });
    for (const fold of open) this.end.querySelector(fold)?.setAttribute("open", "");
  }

  /** How the answer was made, and how each of its sentences was checked: made when it is opened. */
  #details() {
    const { answer, claims, rejected } = this;
    const checked = claims.length + rejected.length > 0;
    const details = render.answerDetails(answer, checked);
    const show = async () => {
      const { checks } = await import("./how_checked.js");
      if (details.querySelector(".checks")) return;
      details.querySelector(".made").before(checks(claims, rejected, {
        source: (citation) => this.#sourceOf(citation),
        name: (citation) => this.#nameOf(citation),
        read: (...where) => this.#read(...where),
      }));
    };
    if (checked) details.addEventListener("toggle", () => details.open && show().catch(() => this.actions.say(t("unreachable"))));
    return details;
  }

  /** Asked anew where it was asked, and not answered from what is kept; a follow-up as the question
   *  that it stands for. */
  #answerAgain() {
    this.actions.again(this.understood || this.question, { ...this.options, past: false });
  }

  #again() {
    return this.actions.again && h("button", { type: "button", class: "secondary again", onclick: () => this.#answerAgain() }, t("again"));
  }

  /** For a question that was asked in a part of the library. */
  #everywhere() {
    const { scope } = this.answer;
    return scope && this.actions.only && h("button", { type: "button", class: "secondary again",
      onclick: () => this.actions.ask(this.question, { ...this.options, past: false, scope: undefined }) }, t("askEverywhere"));
  }

  #editing() {
    return h("button", { type: "button", class: "secondary again", onclick: () => this.actions.edit(this.question) }, t("editQuestion"));
  }

  // --- From a sentence to its source and back ---

  /** Every quote of the answer, in the order of the sentences. */
  #stops() {
    const evidence = new Map(this.evidence.map((e) => [e.label, e]));
    return this.claims.flatMap((claim, index) => [...claim.citations, ...(claim.disputed_by ?? [])]
      .filter((citation) => evidence.has(citation.label) && !citation.metadata)
      .map((citation) => ({ evidence: evidence.get(citation.label), citation, claim: index, number: this.numbers.get(citation.source_id) })));
  }

  #read(claim, citation, opener) {
    if (citation?.metadata) return this.#showCard(citation.source_id);
    const stops = this.#stops();
    const at = stops.findIndex((s) => s.claim === claim && s.citation.label === citation?.label && s.citation.quote === citation.quote);
    if (at >= 0) this.#open(stops, at, opener);
  }

  #readPassage(label, opener) {
    const stops = this.#stops();
    const at = stops.findIndex((stop) => stop.citation.label === label);
    if (at >= 0) return this.#open(stops, at, opener);
    const fields = this.claims.flatMap((claim) => claim.citations).filter((c) => c.label === label && c.metadata);
    const found = this.evidence.find((e) => e.label === label);
    const stop = { evidence: found, citation: null, claim: null, number: this.numbers.get(found.source.id) };
    this.#open([fields.length ? { ...stop, fields } : stop], 0, opener);
  }

  /** Of what the catalogue says: it stands in no text, but on the card. */
  #showCard(id) {
    hideTip();
    this.actions.shut(); // a source that is open lies over the cards
    const root = this.beside.card(id);
    root?.focus();
    root?.classList.add("lit");
    root?.addEventListener("blur", () => root.classList.remove("lit"), { once: true });
  }

  #open(stops, at, opener) {
    hideTip();
    this.actions.read(stops, at, opener, (stop) => {
      for (const el of document.querySelectorAll(".cite.lit")) el.classList.remove("lit");
      if (stop) this.list.children[stop.claim]?.querySelector(`.cite[data-number="${Number(stop.number)}"]`)?.classList.add("lit");
    });
  }

  #backTo(claim, id) {
    const item = this.list.children[claim];
    (item?.querySelector(`.cite[data-number="${Number(this.numbers.get(id))}"]`) ?? item)?.focus();
  }

  /** The answer with its sources, from what is on the page alone. */
  #plain() {
    const cited = new Set(this.claims.flatMap((c) => c.citations.map((x) => x.source_id)));
    const beside = (c) => (render.standing(c) === "context" ? ` (${t("verdict.context")})` : render.catalogued(c) ? ` (${t("fromCatalogue")})` : "");
    const lines = this.claims.map((c) => `${plainClaim(c)} ${[...new Set(c.citations.map((x) => this.#nameOf(x)))].join("")}${beside(c)}`);
    const sources = [...this.numbers].filter(([id]) => cited.has(id)).map(([id, at]) => {
      const { title, url } = this.#sourceOf({ source_id: id }) ?? {};
      return `[${at}] ${[title, safeUrl(url)?.href].filter(Boolean).join(" ")}`;
    });
    const remark = this.answer.reason ? [this.answer.reason, ""] : [];
    return [this.question, "", ...remark, ...lines, "", ...sources].join("\n");
  }
}
