// Builds DOM elements from the API's objects. Data becomes text nodes and checked attributes only.

import { language, number, t } from "./i18n.js";
import * as text from "./text.js";

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, on… listeners and children; null and false children are left out. */
export function h(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else el.setAttribute(name, value === true ? "" : value);
  }
  el.append(...children.flat(Infinity).filter((child) => child != null && child !== false && child !== ""));
  return el;
}

/** Text that came from outside, kept from upsetting the direction of the text around it. */
export const bdi = (value, lang = text.languageOf(value)) => h("bdi", { dir: "auto", lang }, value);

/** Plain text, but wrapped where it holds marks that turn the direction of what follows. */
const isolate = (value) => (/[\u202a-\u202e\u2066-\u2069]/.test(value) ? bdi(value, null) : value);

export const srOnly = (value) => h("span", { class: "sr" }, value);

// --- Verdicts ---------------------------------------------------------------------------------

const SHAPES = {
  ticked: [["path", { d: "M3.5 8.6 6.7 11.7 12.6 4.6" }]],
  supported: [["circle", { cx: 8, cy: 8, r: 2.5, fill: "currentColor" }]],
  context: [["path", { d: "M4.5 8h7" }]],
  partial: [["circle", { cx: 8, cy: 8, r: 5 }], ["path", { d: "M8 3a5 5 0 0 1 0 10z", fill: "currentColor" }]],
  contradicted: [["path", { d: "M4 4l8 8M12 4l-8 8" }]],
  unsupported: [["circle", { cx: 8, cy: 8, r: 5 }]],
};
export const known = (label) => (["supported", "partial", "contradicted"].includes(label) ? label : "unsupported");

/** How a sentence stands: "ticked" if it is supported and answers the question, "context" if it is
 *  supported and does not; where that is not known, or it is not supported, as its verdict says. */
export function standing({ verdict, answers }) {
  const label = known(verdict?.label);
  return label !== "supported" || typeof answers?.holds !== "boolean" ? label : answers.holds ? "ticked" : "context";
}

/** A small picture of strokes, for the eye alone. */
export function icon(shapes) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  for (const [tag, attributes] of shapes) {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  return svg;
}

/** How a sentence stands as a shape, not only a colour; the words are beside it. */
export const sign = (how) => h("span", { class: `sign ${how}` }, icon(SHAPES[how]));

/** Whether a sentence stands in its source word for word. */
export const verbatim = (claim) => claim.verdict?.method === "verbatim";

/** Whether a sentence rests on what is recorded about sources, not on their texts. */
export const catalogued = ({ citations }) => citations.length > 0 && citations.every((citation) => citation.metadata);

export const verdictWord = (verdict) => t(`verdict.${known(verdict?.label)}`);

/** "3 supported and answering · 1 context", each with its sign. */
export function tally(claims) {
  const all = claims.map(standing);
  return Object.keys(SHAPES).filter((how) => all.includes(how)).map((how) =>
    h("span", { class: "count" }, sign(how), t("tallyLine", { n: all.filter((each) => each === how).length, word: t(`verdict.${how}`) })));
}

// --- A sentence and its markers ---------------------------------------------------------------

/** One checked sentence. `markers(labels)` builds the buttons for what is cited there; `beside` follows
 *  it in its line, `below` is set under it. Sentences of a model make one paragraph; a quote, an
 *  entry of the catalogue, and what has lines of its own stand apart. */
export function claimItem(claim, markers, beside, ...below) {
  const pieces = text.claimPieces(claim.text, claim.citations);
  const words = h("p", { dir: "auto", lang: text.languageOf(claim.text) });
  pieces.forEach((piece, i) => {
    if (piece.labels) return; // set beside the words before it, below
    const next = pieces[i + 1];
    const said = text.flow(piece.text).replace(/\n{2,}/g, "\n");
    if (!next?.labels) return void words.append(isolate(said));
    const [head, tail] = lastWord(said);
    words.append(isolate(head), h("span", { class: "together" }, isolate(tail), markers(next.labels)));
  });
  if (pieces[0]?.labels) words.prepend(...markers(pieces[0].labels));
  words.append(...beside);
  const kind = verbatim(claim) ? "own" : catalogued(claim) ? "catalogue" : /\n/.test(claim.text) ? "" : "flows";
  return h("li", { class: `claim ${standing(claim)} ${kind}`, tabindex: "-1" }, words, " ", below);
}

/** A quote, and where it is from. */
export const quoted = (citation, from) =>
  h("blockquote", { dir: "auto", lang: text.languageOf(citation.quote) }, text.flow(citation.quote), from);

/** A field of the catalogue on which a sentence rests: "authors: Ada Berg". */
export function field({ metadata, quote }) {
  const value = metadata === "published" ? text.shortDate(quote, language()) : text.clipEnd(quote, 600);
  return h("p", { class: "field" }, t(`fields.${metadata}`) ?? `${metadata}: `, bdi(value));
}

/** The end of a text that should not be parted from the marker after it. */
function lastWord(value) {
  const tail = /\S{1,16}$/u.exec(value)?.[0] ?? "";
  const keep = text.languageOf(tail) === "ja" ? Array.from(tail).slice(-2).join("") : tail;
  const whole = value.length === keep.length || /\s$/.test(value.slice(0, value.length - keep.length));
  const safe = whole || text.languageOf(keep) === "ja" ? keep : "";
  return [value.slice(0, value.length - safe.length), safe];
}

export function markerButton(label, title, handlers) {
  return h("button", { type: "button", class: "cite", "data-number": label, "aria-label": t("marker", { label, title }), ...handlers }, String(label));
}

// --- Sources ----------------------------------------------------------------------------------

export function link(href, content, className) {
  return h("a", { href, class: className, target: "_blank", rel: "noopener noreferrer" }, content, srOnly(` ${t("newTab")}`));
}

export function sourceTitle(source) {
  const href = text.sourceHref(source);
  const title = bdi(source.title || source.url || source.id, source.title ? source.language || undefined : undefined);
  return href ? link(href, title) : title;
}

export const kindWord = (kind) => t(`kind.${kind}`) ?? kind;

/** "paper · Alec Radford et al. · arXiv, Dec 6, 2022" */
export function sourceMeta(source, more = [], kind = kindWord(source.kind)) {
  const date = source.venue?.endsWith(source.published) ? "" : text.shortDate(source.published, language()); // "NeurIPS 2022"
  const when = [source.venue, date].filter(Boolean).join(", ");
  const authors = text.shortAuthors(source.authors, { and: t("and"), etal: t("etal") });
  const parts = [h("span", { class: `kind ${source.kind === "digest" ? "digest" : ""}` }, kind)];
  for (const part of [authors, when]) if (part) parts.push(bdi(part));
  return h("p", { class: "meta" }, interleave([...parts, ...more.filter(Boolean)], " · "));
}

export const interleave = (items, between) => items.flatMap((item, i) => (i ? [between, item] : [item]));

// --- The parts of a turn ----------------------------------------------------------------------

/** What an answer without a model is: "quoted", or "metadata" from the catalogue. */
export const badge = (mode) => h("span", { class: "badge" }, h("strong", {}, t(mode)), " ", h("span", {}, t(`${mode}Why`)));

const outside = ({ collections, source_ids: ids }) =>
  (collections?.length ? `outside_collection${collections.length > 1 ? "s" : ""}` : `outside_source${ids?.length > 1 ? "s" : ""}`);
/** Other words may find more where something was read, unless it is an assumption that is wrong. */
export const abstention = ({ abstention: kind, reason, scope, evidence }, action) => h("div", { class: "note abstained" },
  h("p", { class: "note-title" }, t(`abstention.${scope && kind === "outside_library" ? outside(scope) : kind}`) ?? t("abstained")),
  h("p", { dir: "auto", lang: reason && text.languageOf(reason) }, reason || t("abstainedWhy")),
  evidence.length > 0 && kind !== "false_premise" && h("p", { class: "todo" }, t("abstainedDo")), action);

export const note = (kind, title, detail, button) => h("div", { class: `note ${kind}` },
  title && h("p", { class: "note-title" }, title), detail && h("p", { dir: "auto", lang: text.languageOf(detail) }, detail), button);

/** How an answer was made, folded; `checked`: with room for the checks of its sentences, above. */
export function answerDetails(answer, checked) {
  const rows = [[t("model"), answer.model ? bdi(answer.model) : t("none")]];
  const times = Object.entries(answer.timings ?? {}).filter(([, v]) => Number.isFinite(v));
  if (times.length) {
    rows.push([t("time"), interleave(times.map(([name, v]) => `${t(`step.${name}`) ?? name} ${t("seconds", { n: number(v, 2) })}`), " · ")]);
  }
  if (answer.id) rows.push([t("answerId"), h("code", {}, answer.id)]);
  return h("details", { class: "fold fine" }, h("summary", {}, t(checked ? "howChecked" : "details")),
    h("dl", { class: "made" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}
