// The source cards: one for each source, with the passages of it that are evidence.

import { t } from "./i18n.js";
import { bdi, field, h, interleave, link, sourceMeta, sourceTitle } from "./render.js";
import * as text from "./text.js";

/**
 * The card of a source. `passages` are its evidence, best first. `setUses(uses)` marks the quotes that
 * claims take from it, and shows the fields of the catalogue: a use is {claim: index of the sentence,
 * citation}. `setNumber(number, kin)` gives it the number by which it is cited, if it is, and the names
 * of the other texts of its work. `on` has back(claim), read(label, opener), only(), leave(), foreign(citations).
 */
export function sourceCard(passages, { id, ...on }) {
  const [{ source }] = passages;
  const bears = h("p", { class: "bears" });
  const no = h("span", { class: "no", "aria-hidden": "true" });
  const meta = sourceMeta(source);
  const kinOf = h("p", { class: "kin" });
  const parts = passages.map((evidence) => passagePart(evidence, passages.length > 1, `${id}${evidence.label}`, on));
  const root = h("article", { class: "card", tabindex: "-1" }, no,
    h("div", { class: "card-main" }, h("h4", {}, sourceTitle(source)), meta, parts.map((part) => part.root), bears));
  let known = "";
  const setNumber = (number, kin) => {
    const names = kin.join(" ");
    if (known === `${number} ${names}`) return;
    known = `${number} ${names}`;
    no.textContent = number ?? "";
    no.hidden = !number;
    root.setAttribute("aria-label", number ? t("cardOf", { label: number, title: source.title }) : t("cardUncited", { title: source.title }));
    kinOf.textContent = t("kin", { labels: names });
    if (kin.length) meta.after(kinOf);
  };
  const setUses = (uses) => {
    for (const part of parts) part.setUses(uses.filter((use) => use.citation.label === part.label));
    root.classList.toggle("cited", uses.length > 0);
    const claims = new Set(uses.map((use) => use.claim)).size;
    const filter = (key, chosen) => h("button", { type: "button", class: "plain", onclick: chosen }, t(key), h("span", { class: "sr" }, `: ${source.title}`));
    bears.replaceChildren(...[claims > 0 && parts.length > 1 && h("span", {}, t("bears", { n: claims })), // a lone passage names its sentences
      on.only && filter("onlyThis", on.only), on.leave && filter("leaveOut", on.leave)].filter(Boolean));
  };
  setUses([]);
  setNumber(null, []);
  return { root, setUses, setNumber };
}

function passagePart(evidence, several, id, on) {
  const { source, passage, label } = evidence;
  const body = h("div", { class: "passage" });
  const heading = text.headingBelow(source.title, passage.heading);
  const name = h("span");
  const root = h("details", { class: "part", id, open: true, "data-label": label },
    h("summary", {}, name), body);
  let shown = -1;
  const setUses = (uses) => {
    if (uses.length === shown) return;
    if (shown < 1) root.open = uses.length > 0 || !several; // of several, those that are cited
    shown = uses.length;
    const quotes = uses.filter((use) => !use.citation.metadata);
    const fields = new Map(uses.filter((use) => use.citation.metadata).map(({ citation: c }) => [`${c.metadata}:${c.quote}`, c]));
    const pages = new Set(quotes.length ? quotes.map(({ citation }) => citation.page ?? passage.page) : [passage.page]);
    const where = [...[...pages].map((page) => page && t("page", { page })), heading && bdi(heading)].filter(Boolean);
    const bare = fields.size > 0 && !quotes.length; // then the passage is no more than where the source begins
    name.replaceChildren(...(bare ? [t("metadata")] : where.length ? interleave(where, " · ") : [t("passage")]));
    body.replaceChildren(...(bare ? [] : passageBlocks(evidence, quotes)),
      on.foreign(distinct(quotes)) || "",
      ...(fields.size ? [h("div", { class: "fields" }, !bare && h("p", { class: "word" }, t("metadata")), [...fields.values()].map(field))] : []),
      cardFoot(evidence, uses, quotes, on));
  };
  return { root, label, setUses };
}

/** The citations of some uses, each quote once. */
const distinct = (uses) => [...new Map(uses.map(({ citation }) => [`${citation.start}:${citation.end}`, citation])).values()];

function passageBlocks({ source, passage }, uses) {
  const quote = (...children) => h("blockquote", { dir: "auto", lang: source.language || text.languageOf(passage.text) }, children);
  const { pieces, lost } = text.markPassage(passage, uses);
  const blocks = [];
  if (lost.length < uses.length || !uses.length) {
    blocks.push(quote(pieces.map(({ text: words, claims }) =>
      (claims.length ? h("mark", { "data-claims": claims.join(" ") }, text.flow(words)) : text.flow(words)))));
  }
  // A quote that is not in this passage as we hold it is shown in its own context.
  for (const { claim, citation } of lost) {
    blocks.push(quote(text.flow(citation.before ?? ""), h("mark", { "data-claims": claim }, text.flow(citation.quote)), text.flow(citation.after ?? "")));
  }
  return blocks;
}

function cardFoot({ source, passage, label }, uses, quotes, on) {
  const items = [h("button", { type: "button", class: "plain", onclick: (e) => on.read(label, e.currentTarget) }, t("readHere"))];
  const original = source.kind === "digest" && text.safeUrl(source.url);
  if (original) items.push(link(original.href, t("openOriginal"), "out"));
  else {
    const [use] = quotes;
    const page = use?.citation.page ?? passage.page;
    const url = use && text.quoteUrl(source, use.citation.quote, page);
    if (url) items.push(link(url, /#page=\d+$/.test(url) ? t("openPage", { page }) : t("openQuote"), "out"));
  }
  const sentences = [...new Set(uses.map((use) => use.claim))].sort((a, b) => a - b);
  if (sentences.length) {
    items.push(h("span", { class: "back" }, `${t("usedBy")} `, interleave(sentences.map((claim) =>
      h("button", { type: "button", class: "plain", onclick: () => on.back(claim) }, t("sentence", { n: claim + 1 }))), t("and").comma)));
  }
  return h("p", { class: "foot" }, items);
}
