// The cards of an answer's sources: those that it cites, in the order of their numbers, then the others.

import { t } from "./i18n.js";
import { h } from "./render.js";
import { sourceCard } from "./source_cards.js";

const NEAREST = 3; // sources shown open when there is no answer
const LAST = 10_000; // the place of the first one without a number

export class SourcesBeside {
  #cards;
  #name;
  #main = h("div", { class: "cards" });
  #rest = h("div", { class: "cards" });
  #mainTitle = h("h3", {});
  #restTitle = h("summary", {});
  #fold = h("details", { class: "fold also" }, this.#restTitle, this.#rest);

  /** Fills `side`. `on`: name(citation) of a source in the answer; and back(claim, id), read(label, opener),
   *  foreign(citations), only(source), leave(source), of a card. */
  constructor(side, evidence, { name, ...on }) {
    this.#name = name;
    const bySource = new Map();
    for (const each of evidence) bySource.set(each.source.id, [...(bySource.get(each.source.id) ?? []), each]);
    this.#cards = [...bySource].map(([id, passages]) => {
      const { source } = passages[0];
      const kin = [...bySource.values()].map(([first]) => first.source).filter((other) => source.work && other.work === source.work && other.id !== id);
      return { id, passages, kin, ...sourceCard(passages, {
        ...on,
        back: (claim) => on.back(claim, id),
        only: on.only && (() => on.only(source)),
        leave: on.leave && (() => on.leave(source)),
      }) };
    });
    side.replaceChildren(this.#mainTitle, this.#main, this.#fold);
  }

  /** The element of a source's card. */
  card(id) {
    return this.#cards.find((card) => card.id === id)?.root;
  }

  place(claims, numbers, { abstained, running }) {
    const uses = new Map();
    claims.forEach((claim, index) => claim.citations.forEach((citation) => {
      if (!uses.has(citation.label)) uses.set(citation.label, []);
      uses.get(citation.label).push({ claim: index, citation });
    }));
    const none = abstained && !numbers.size;
    let shown = 0;
    for (const [i, card] of this.#cards.entries()) {
      const mine = card.passages.flatMap(({ label }) => uses.get(label) ?? []);
      if (mine.length !== (card.uses ?? 0)) card.setUses(mine);
      card.uses = mine.length;
      const number = numbers.get(card.id);
      card.setNumber(number, card.kin.map((source) => this.#name({ source_id: source.id })));
      card.root.dataset.order = number ?? LAST + i;
      const first = Boolean(number) || (none && i < NEAREST);
      shown += first;
      if (none && first) card.root.querySelector(".part").open = true;
      const place = first ? this.#main : this.#rest;
      if (card.root.parentNode === place) continue;
      place.insertBefore(card.root, [...place.children].find((other) => Number(other.dataset.order) > Number(card.root.dataset.order)) ?? null);
    }
    const left = this.#cards.length - shown;
    this.#mainTitle.hidden = !shown;
    this.#mainTitle.textContent = none ? t("nearest") : t("cited", { n: shown });
    this.#fold.hidden = !left;
    this.#restTitle.textContent = t(running && !shown ? "reading" : "alsoFound", { n: left });
  }
}
