// One question and its answer on the page: applies the events of a stream to the DOM step by step.

import { answerActions } from "./answer_actions.js";
import { sourceCard } from "./source_cards.js";
import { number, t } from "./i18n.js";
import * as render from "./render.js";
import { languageOf, plainClaim, safeUrl } from "./text.js";
import { hideTip, tipHandlers } from "./tooltip.js";
import { disputes, verdictDetails, withheldPanel } from "./verdict.js";

const { h } = render;
const NEAREST = 3; // passages shown open when there is no answer
let turns = 0;

export class AnswerView {
  /** `actions`: edit(question), ask(question, options), say(words), read(stops, at, opener, shown),
   *  shut() what was opened to read, only(source), leave(source). */
  constructor(question, options, actions) {
    this.id = `t${++turns}`;
    this.question = question;
    this.options = options; // what it was asked with: quotes only, which sources
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
    this.#drawClaim(claim, this.claims.length - 1);
    this.#placeCards();
  }

  addRejected(rejected) {
    this.rejected.push(rejected);
    this.#drawEnd();
  }

  /** The answer is begun again: what was shown of it may not be part of it. */
  reset() {
    this.phase = "searching";
    this.evidence = [];
    this.claims = [];
    this.rejected = [];
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
    this.seconds = seconds;
    this.answer = answer;
    const identity = (e) => [e.label, e.passage.id];
    const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    const changed = !same(this.claims, answer.claims) || !same(this.evidence.map(identity), answer.evidence.map(identity));
    this.claims = answer.claims;
    this.rejected = answer.rejected;
    this.evidence = answer.evidence;
    if (changed) return this.rebuild();
    this.#placeCards();
    this.#drawEnd();
  }

  stop() {
    this.phase = "stopped";
    this.#placeCards();
    this.#drawEnd();
  }

  fail(problem) {
    this.phase = "failed";
    this.problem = problem;
    this.#placeCards();
    this.#drawEnd();
  }

  // --- Drawing ---

  /** Everything anew, from the state: at the start and when the language changes. */
  rebuild() {
    const lang = languageOf(this.question);
    this.lead = h("div", { class: "lead", hidden: true });
    this.list = h("ol", { class: "claims", role: "list" });
    this.end = h("div", { class: "end" });
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

  #drawClaim(claim, index) {
    const source = (label) => this.evidence.find((e) => e.label === label)?.source;
    const read = (citation, opener) => this.#read(index, citation, opener);
    const marker = (label) => {
      const citations = claim.citations.filter((c) => c.label === label);
      return render.markerButton(label, source(label)?.title ?? "", {
        ...tipHandlers(() => ({ label, source: source(label), citations })),
        onclick: (e) => read(citations.find((c) => !c.metadata) ?? citations[0], e.currentTarget),
      });
    };
    this.list.append(render.claimItem(claim, marker, disputes(claim, source, read), verdictDetails(claim, source, read)));
  }

  #drawSources() {
    const bySource = new Map();
    for (const evidence of this.evidence) bySource.set(evidence.source.id, [...(bySource.get(evidence.source.id) ?? []), evidence]);
    this.cards = [...bySource.values()].map((passages) => {
      const { source } = passages[0];
      const kin = this.evidence.filter((e) => source.work && e.source.work === source.work && e.source.id !== source.id);
      return { passages, ...sourceCard(passages, kin.map((e) => e.label), {
        id: `${this.id}-s`,
        back: (claim, label) => this.#backTo(claim, label),
        read: (label, opener) => this.#readPassage(label, opener),
        only: this.actions.only && (() => this.actions.only(source, this.question)),
        leave: this.actions.leave && (() => this.actions.leave(source, this.question)),
      }) };
    });
    this.main = h("div", { class: "cards" });
    this.rest = h("div", { class: "cards" });
    this.mainTitle = h("h3", {});
    this.restTitle = h("summary", {});
    this.fold = h("details", { class: "fold also" }, this.restTitle, this.rest);
    this.side.replaceChildren(this.mainTitle, this.main, this.fold);
    this.#placeCards();
  }

  /** Cited cards first, in the order of their numbers; the others wait under "also found". */
  #placeCards() {
    const uses = new Map();
    this.claims.forEach((claim, index) => claim.citations.forEach((citation) => {
      if (!uses.has(citation.label)) uses.set(citation.label, []);
      uses.get(citation.label).push({ claim: index, citation });
    }));
    const abstained = this.answer?.mode === "abstained" && !uses.size;
    let shown = 0;
    for (const [i, card] of this.cards.entries()) {
      const mine = card.passages.flatMap(({ label }) => uses.get(label) ?? []);
      if (mine.length !== (card.uses ?? 0)) card.setUses(mine);
      card.uses = mine.length;
      const first = mine.length > 0 || (abstained && i < NEAREST);
      shown += first;
      if (abstained && first) card.root.querySelector(".part").open = true;
      const place = first ? this.main : this.rest;
      if (card.root.parentNode !== place) {
        const label = Number(card.root.dataset.label);
        place.insertBefore(card.root, [...place.children].find((c) => Number(c.dataset.label) > label) ?? null);
      }
    }
    const left = this.cards.length - shown;
    this.mainTitle.hidden = !shown;
    this.mainTitle.textContent = abstained ? t("nearest") : t("cited", { n: shown });
    this.fold.hidden = !left;
    this.restTitle.textContent = t(this.running && !shown ? "reading" : "alsoFound", { n: left });
  }

  #drawEnd() {
    const { answer, rejected, claims } = this;
    const withheldOpen = this.end.querySelector(".withheld")?.open;
    const parts = [];
    if (this.running) parts.push(h("div", { class: "pending", "aria-hidden": "true" }, h("i"), h("i"), h("i")));
    if (answer?.mode === "abstained") parts.push(render.abstention(answer, this.#everywhere()));
    else if (answer?.mode === "guide") parts.push(render.note("guide", null, answer.reason));
    else if (answer && !claims.length) parts.push(render.note("empty", t("noModel"), answer.reason));
    const unwritten = ["quoted", "metadata"].includes(answer?.mode) && claims.length > 0;
    this.lead.hidden = !unwritten || !answer.reason;
    this.lead.replaceChildren(this.lead.hidden ? "" : render.note("remark", null, answer.reason)); // what the sentences are: before them
    if (unwritten) parts.push(render.badge(answer.mode));
    if (answer?.mode === "generated" && claims.length && answer.reason) parts.push(render.note("remark", null, answer.reason));
    if (this.phase === "stopped") {
      parts.push(render.note("stopped", null, t(claims.length ? "stoppedNote" : "stoppedEmpty"), this.#again("again")));
    }
    if (this.phase === "failed") parts.push(render.note("failed", this.problem.title, this.problem.detail, this.problem.final ? this.#editing() : this.#again("retry")));
    if (answer && claims.length) parts.push(this.#summary());
    if (rejected.length) parts.push(withheldPanel(rejected));
    if (answer) parts.push(render.answerDetails(answer));
    if (answer?.id) {
      const ask = (words) => this.actions.ask(words, { ...this.options, past: false });
      parts.push(...answerActions(this, { ask, say: this.actions.say, plain: () => this.#plain() }).filter(Boolean));
    }
    this.end.replaceChildren(...parts);
    if (withheldOpen) this.end.querySelector(".withheld").open = true;
  }

  #again(words) {
    return h("button", { type: "button", class: "secondary again", onclick: () => this.actions.ask(this.question, this.options) }, t(words));
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

  #summary() {
    return h("p", { class: "sum" }, render.tally(this.claims),
      this.seconds == null ? null : h("span", {}, t("seconds", { n: number(this.seconds, 1) })));
  }

  // --- From a sentence to its source and back ---

  /** Every quote of the answer, in the order of the sentences. */
  #stops() {
    const evidence = new Map(this.evidence.map((e) => [e.label, e]));
    return this.claims.flatMap((claim, index) => [...claim.citations, ...(claim.disputed_by ?? [])]
      .filter((citation) => evidence.has(citation.label) && !citation.metadata)
      .map((citation) => ({ evidence: evidence.get(citation.label), citation, claim: index })));
  }

  #read(claim, citation, opener) {
    if (citation?.metadata) return this.#showCard(citation.label);
    const stops = this.#stops();
    const at = stops.findIndex((s) => s.claim === claim && s.citation.label === citation?.label && s.citation.quote === citation.quote);
    if (at >= 0) this.#open(stops, at, opener);
  }

  #readPassage(label, opener) {
    const stops = this.#stops();
    const at = stops.findIndex((stop) => stop.citation.label === label);
    if (at >= 0) return this.#open(stops, at, opener);
    const fields = this.claims.flatMap((claim) => claim.citations).filter((c) => c.label === label && c.metadata);
    const stop = { evidence: this.evidence.find((e) => e.label === label), citation: null, claim: null };
    this.#open([fields.length ? { ...stop, fields } : stop], 0, opener);
  }

  /** Of what the catalogue says: it stands in no text, but on the card. */
  #showCard(label) {
    hideTip();
    this.actions.shut(); // a source that is open lies over the cards
    const { root } = this.cards.find(({ passages }) => passages.some((e) => e.label === label)) ?? {};
    root?.focus();
    root?.classList.add("lit");
    root?.addEventListener("blur", () => root.classList.remove("lit"), { once: true });
  }

  #open(stops, at, opener) {
    hideTip();
    this.actions.read(stops, at, opener, (stop) => {
      for (const el of document.querySelectorAll(".cite.lit")) el.classList.remove("lit");
      if (stop) this.list.children[stop.claim]?.querySelector(`.cite[data-label="${Number(stop.citation?.label)}"]`)?.classList.add("lit");
    });
  }

  #backTo(claim, label) {
    const item = this.list.children[claim];
    (item?.querySelector(`.cite[data-label="${Number(label)}"]`) ?? item)?.focus();
  }

  /** The answer with its sources, from what is on the page alone. */
  #plain() {
    const cited = new Set(this.claims.flatMap((c) => c.citations.map((x) => x.label)));
    const beside = (c) => (render.standing(c) === "context" ? ` (${t("verdict.context")})` : render.catalogued(c) ? ` (${t("fromCatalogue")})` : "");
    const lines = this.claims.map((c) => `${plainClaim(c)} ${[...new Set(c.citations.map((x) => `[${x.label}]`))].join("")}${beside(c)}`);
    const sources = this.evidence.filter((e) => cited.has(e.label))
      .map(({ label, source }) => `[${label}] ${[source.title, safeUrl(source.url)?.href].filter(Boolean).join(" ")}`);
    const remark = this.answer.reason ? [this.answer.reason, ""] : [];
    return [this.question, "", ...remark, ...lines, "", ...sources].join("\n");
  }
}
