// Verdicts in words: one mark for an answer, a remark at a sentence where something is not well.

import { t } from "./i18n.js";
import "./i18n_verdicts.js";
import { badge, bdi, h, known, quoted, sign, standing, tally, verbatim, verdictWord } from "./render.js";
import { languageOf } from "./text.js";

/** Which model judges the sentences, where they are sent, and how its test went. */
export function judgeWords({ name, host, able, state, true_right: yes, false_right: no }) {
  const words = { name, host, yes, no };
  return t(`judge.${able ? "able" : state}`, words) ?? t("judge.untested", words);
}

/** What is not well with a sentence, in words beside it; nothing where all is. */
export function remarks(claim) {
  const how = standing(claim);
  const well = how === "ticked" || how === "supported";
  return [
    !well && h("span", { class: `flag ${how}`, title: how === "context" && t("contextWhy") }, sign(how), t(`verdict.${how}`)),
    claim.secondary && h("span", { class: "flag secondary", title: t("secondaryWhy") }, t("secondary")),
    verbatim(claim) && h("span", { class: "flag own" }, t("ownWords")), // seen among the sentences of a model
  ].filter(Boolean);
}

/** The one mark of an answer: that all is well with its sentences, or how many stand how. */
export function answerMark({ mode }, claims, rejected) {
  const unwritten = ["quoted", "metadata"].includes(mode);
  const well = !rejected.length && claims.every((claim) => !claim.secondary && !claim.disputed_by?.length && ["ticked", "supported"].includes(standing(claim)));
  const how = claims.every((claim) => standing(claim) === "ticked") ? "ticked" : "supported"; // a tick promises an answer
  const counts = well ? [] : [...tally(claims), rejected.length > 0 && h("span", { class: "count" }, t("tallyHeld", { n: rejected.length }))];
  return h("p", { class: "sum" },
    (well || unwritten) && h("span", { class: "mark" }, well && sign(how), unwritten ? badge(mode) : t("allChecked", { n: claims.length })),
    counts);
}

/** The sentences that were withheld, with the reasons and what speaks against them. */
export function withheldPanel(rejected, name) {
  return h("details", { class: "fold withheld" },
    h("summary", {}, t("withheld", { n: rejected.length })),
    h("ul", { role: "list" }, rejected.map(({ text, reason, verdict, citations }) =>
      h("li", {}, sign(known(verdict?.label)), h("div", {},
        h("p", { class: "held", dir: "auto", lang: languageOf(text) }, text),
        h("p", { class: "why" }, h("span", { class: `word ${known(verdict?.label)}` }, verdictWord(verdict)), reason && [" ", bdi(reason)]),
        verdict?.label !== "unsupported" && citations?.map((citation) => quoted(citation, [" — ", bdi(name(citation))])))))));
}

/** What says otherwise, word for word: other sources, the same work in another text, or the source itself. */
export function disputes(claim, source, name, read) {
  if (!claim.disputed_by?.length) return null;
  const works = new Set(claim.citations.map((c) => workOf(source(c), c.source_id)));
  const cited = new Set(claim.citations.map((c) => c.source_id));
  const kind = (c) => cited.has(c.source_id) ? "disputedHere" : works.has(workOf(source(c), c.source_id)) ? "disputedSelf" : "disputed";
  const groups = ["disputed", "disputedSelf", "disputedHere"].map((key) => [key, claim.disputed_by.filter((c) => kind(c) === key)]);
  return h("div", { class: "disputes" }, groups.map(([key, citations]) => citations.length > 0 && [
    h("p", { class: "word contradicted" }, t(key)),
    citations.map((citation) => [quoted(citation, ` ${name(citation)}`), source(citation)
      && h("button", { type: "button", class: "plain", onclick: (e) => read(citation, e.currentTarget) }, t("readHere"))])]));
}

const workOf = (source, id) => source?.work || source?.id || id;
