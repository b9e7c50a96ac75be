// One question and its answer on the page: state in, DOM out, changed piece by piece as events come.

import { number, t } from "./i18n.js";
import * as render from "./render.js";
import { languageOf, plainClaim, safeUrl } from "./text.js";
import { hideTip, tipHandlers } from "./tip.js";

const { h } = render;
const NEAREST = 3; // passages shown open when there is no answer
let turns = 0;

export class Turn {
  /** `actions`: edit(question), ask(question, options), say(words). */
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
    this.list = h("ol", { class: "claims", role: "list" });
    this.end = h("div", { class: "end" });
    this.side = h("div", { class: "side", role: "group", "aria-label": t("sources") });
    this.root.setAttribute("aria-labelledby", `${this.id}-q`);
    this.root.replaceChildren(
      h("header", { class: "asked" },
        h("h2", { id: `${this.id}-q`, dir: "auto", lang }, this.question),
        h("button", { type: "button", class: "plain", title: t("editOf"), onclick: () => this.actions.edit(this.question) },
          t("edit"), render.srOnly(`: ${this.question}`))),
      h("div", { class: "columns" },
        h("div", { class: "answer", role: "group", "aria-label": t("answer") }, this.list, this.end),
        this.side));
    this.#drawSources();
    this.claims.forEach((claim, i) => this.#drawClaim(claim, i));
    this.#placeCards();
    this.#drawEnd();
  }

  #drawClaim(claim, index) {
    const marker = (label) => {
      const source = this.evidence.find((e) => e.label === label)?.source;
      const citations = claim.citations.filter((c) => c.label === label);
      return render.markerButton(label, source?.title ?? "", {
        ...tipHandlers(() => ({ label, source, citations })),
        onclick: (e) => this.#openCard(label, index, e.currentTarget),
      });
    };
    this.list.append(render.claimItem(claim, marker));
  }

  #drawSources() {
    this.cards = new Map(this.evidence.map((evidence) => [evidence.label, render.sourceCard(evidence, {
      id: `${this.id}-s${evidence.label}`,
      open: true,
      onBack: (claim) => this.#backTo(claim, evidence.label),
    })]));
    for (const { root } of this.cards.values()) root.addEventListener("keydown", (e) => {
      if (e.key === "Escape" && this.cameFrom) { e.stopPropagation(); this.cameFrom.focus(); }
    });
    this.main = h("div", { class: "cards" });
    this.rest = h("div", { class: "cards" });
    this.mainTitle = h("h3", {});
    this.restTitle = h("summary", {});
    this.fold = h("details", { class: "fold also" }, this.restTitle, this.rest);
    this.side.replaceChildren(this.mainTitle, this.main, this.fold);
    this.#placeCards();
  }

  /** Cited cards first, in the order of their numbers; the others wait under "also read". */
  #placeCards() {
    const uses = new Map();
    this.claims.forEach((claim, index) => claim.citations.forEach((citation) => {
      if (!uses.has(citation.label)) uses.set(citation.label, []);
      uses.get(citation.label).push({ claim: index, citation });
    }));
    const abstained = this.answer?.mode === "abstained" && !uses.size;
    let shown = 0;
    for (const [i, { label }] of this.evidence.entries()) {
      const card = this.cards.get(label);
      const mine = uses.get(label) ?? [];
      if (mine.length !== (card.uses ?? 0)) card.setUses(mine);
      card.uses = mine.length;
      const first = mine.length > 0 || (abstained && i < NEAREST);
      shown += first;
      const place = first ? this.main : this.rest;
      if (card.root.parentNode !== place) {
        place.insertBefore(card.root, [...place.children].find((c) => Number(c.dataset.label) > label) ?? null);
      }
    }
    const left = this.evidence.length - shown;
    this.mainTitle.hidden = !shown;
    this.mainTitle.textContent = abstained ? t("nearest") : t("cited", { n: shown });
    this.fold.hidden = !left;
    this.restTitle.textContent = t(this.running && !shown ? "reading" : "alsoRead", { n: left });
  }

  #drawEnd() {
    const { answer, rejected, claims } = this;
    const withheldOpen = this.end.querySelector(".withheld")?.open;
    const parts = [];
    if (this.running) parts.push(h("div", { class: "pending", "aria-hidden": "true" }, h("i"), h("i"), h("i")));
    if (answer?.mode === "abstained") parts.push(render.abstention(answer.abstention, answer.reason));
    else if (answer && !claims.length) parts.push(render.note("empty", t("noModel"), answer.reason));
    if (answer?.mode === "quoted" && claims.length) parts.push(render.quotedBadge(answer.reason));
    if (answer?.mode === "generated" && answer.reason) parts.push(render.note("stopped", null, answer.reason));
    if (this.phase === "stopped") {
      parts.push(render.note("stopped", null, t(claims.length ? "stoppedNote" : "stoppedEmpty"), this.#again("again")));
    }
    if (this.phase === "failed") parts.push(render.note("failed", this.problem.title, this.problem.detail, this.#again("retry")));
    if (answer && claims.length) parts.push(this.#summary());
    if (rejected.length) parts.push(render.withheldPanel(rejected));
    if (answer) parts.push(render.answerDetails(answer));
    this.end.replaceChildren(...parts);
    if (withheldOpen) this.end.querySelector(".withheld").open = true;
  }

  #again(words) {
    return h("button", { type: "button", class: "secondary again", onclick: () => this.actions.ask(this.question, this.options) }, t(words));
  }

  #summary() {
    const copy = navigator.clipboard
      ? h("button", { type: "button", class: "plain", onclick: () => this.#copy() }, t("copy")) : null;
    return h("p", { class: "sum" }, render.tally(this.claims),
      this.seconds == null ? null : h("span", {}, t("seconds", { n: number(this.seconds, 1) })), copy);
  }

  // --- From a sentence to its source and back ---

  #openCard(label, index, marker) {
    const card = this.cards.get(label);
    if (!card) return;
    hideTip();
    this.cameFrom = marker;
    if (card.root.parentNode === this.rest) this.fold.open = true;
    card.details.open = true;
    for (const el of document.querySelectorAll(".lit")) el.classList.remove("lit");
    card.root.classList.add("lit");
    marker.classList.add("lit");
    const marks = [...card.root.querySelectorAll("mark")].filter((m) => m.dataset.claims.split(" ").includes(String(index)));
    for (const mark of marks) mark.classList.add("lit");
    card.root.focus({ preventScroll: true });
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const tall = card.root.offsetHeight > innerHeight * 0.6;
    (tall && marks[0] ? marks[0] : card.root).scrollIntoView({ block: tall ? "center" : "nearest", behavior: calm ? "auto" : "smooth" });
  }

  #backTo(claim, label) {
    const item = this.list.children[claim];
    (item?.querySelector(`.cite[data-label="${Number(label)}"]`) ?? item)?.focus();
  }

  async #copy() {
    const cited = new Set(this.claims.flatMap((c) => c.citations.map((x) => x.label)));
    const lines = this.claims.map((c) => `${plainClaim(c)} ${[...new Set(c.citations.map((x) => `[${x.label}]`))].join("")}`);
    const sources = this.evidence.filter((e) => cited.has(e.label))
      .map(({ label, source }) => `[${label}] ${[source.title, safeUrl(source.url)?.href].filter(Boolean).join(" ")}`);
    try {
      await navigator.clipboard.writeText([this.question, "", ...lines, "", ...sources].join("\n"));
      this.actions.say(t("copied"));
    } catch { /* the browser refused; the text can still be selected */ }
  }
}
