// The verdict of a claim in words, and, when unfolded, the quotes and the score behind it.

import { number, t } from "./i18n.js";
import "./i18n_verdicts.js";
import { bdi, catalogued, field, h, known, quoted, sign, standing, verbatim, verdictWord } from "./render.js";
import { languageOf } from "./text.js";

const JUDGED = /^judge: (.+?)(, overruled by a rule)?$/s; // by which model
const CERTAIN = ["metadata", "overview"]; // what is so by its making has no probability
const UNJUDGED = /^(.+?)(?: \(judge: ([a-z ]+)\))?$/s; // how else, and why no judge decided

/** Which model judges the sentences, where they are sent, and how its test went. */
export function judgeWords({ name, host, able, state, true_right: yes, false_right: no }) {
  const words = { name, host, yes, no };
  return t(`judge.${able ? "able" : state}`, words) ?? t("judge.untested", words);
}

/** How a sentence was checked, in words; as it is where this page does not know the way. */
export function checkedBy(method) {
  const [, judge, overruled] = JUDGED.exec(method) ?? [];
  if (judge) return t(overruled ? "overruled" : "judged", { name: judge });
  const [, way, failure] = UNJUDGED.exec(method) ?? [];
  const [how, why] = [t(`methods.${way}`), failure ? t(`notJudged.${failure}`) : ""];
  return how === undefined || why === undefined ? method : how + why;
}

/**
 * The verdict of a claim, to be unfolded. `source(label)` gives a source of the evidence,
 * `read(citation)` opens it at a quote, or goes to its card. What is inside is made when it is first asked for.
 */
export function verdictDetails(claim, source, read) {
  const words = catalogued(claim) ? t("fromCatalogue") : claim.works > 0 ? t("supportedBy", { n: claim.works }) : verdictWord(claim.verdict);
  const context = standing(claim) === "context";
  const fold = h("details", { class: "why", ontoggle: () => fold.open && fold.children.length < 2 && fold.append(inside(claim, source, read)) },
    h("summary", { title: context && t("contextWhy") }, context && h("span", { class: "word" }, t("verdict.context")),
      h("span", { class: context ? "word" : `word ${known(claim.verdict?.label)}` }, context && " · ", words),
      verbatim(claim) && h("span", { class: "word own" }, ` · ${t("ownWords")}`),
      claim.secondary && h("span", { class: "word secondary" }, ` · ${t("secondary")}`)));
  return fold;
}

function inside(claim, source, read) {
  const { verdict } = claim;
  const rows = [];
  for (const citation of claim.citations) {
    const about = source(citation.label);
    const { label, metadata } = citation;
    rows.push([metadata ? `${t("metadata")} [${label}]` : t("restsOn", { label }),
      [about && bdi(about.title || about.url), metadata ? field(citation) : quoted(citation, ""),
        h("button", { type: "button", class: "plain", onclick: (e) => read(citation, e.currentTarget) }, t(metadata ? "toCard" : "readHere"))]]);
  }
  if (claim.reason) rows.push([t("why"), bdi(claim.reason)]);
  if (claim.works > 0 && !catalogued(claim)) rows.push([t("witnesses"), t("witnessesWhy", { n: claim.works })]);
  if (claim.secondary) rows.push([t("secondary"), t("secondaryWhy")]);
  if (known(verdict?.label) === "supported") rows.push([t("answering"), answering(claim)]);
  if (scored(verdict)) rows.push([t("score"), [`${number(verdict.score, 2)} `, t("scoreWhy")]]);
  if (verdict?.method) rows.push([t("method"), bdi(checkedBy(verdict.method))]);
  return h("dl", {}, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** Whether a sentence answers the question, how likely that is, and who decided it. */
function answering({ answers }) {
  if (typeof answers?.holds !== "boolean") return t("answersUnknown");
  return [scored(answers) && `${number(answers.score, 2)}: `, t(answers.holds ? "answersYes" : "contextWhy"),
    answers.method && [" · ", bdi(checkedBy(answers.method))]];
}

/** A judge gives no probability: its verdicts all have the score 1, which would say too much. */
const scored = (verdict) => Number.isFinite(verdict?.score) && !JUDGED.test(verdict.method ?? "") && !CERTAIN.includes(verdict.method);

/** The sentences that were withheld, with the reasons, what speaks against them, and who decided. */
export function withheldPanel(rejected) {
  return h("details", { class: "fold withheld" },
    h("summary", {}, t("withheld", { n: rejected.length })),
    h("ul", { role: "list" }, rejected.map(({ text, reason, verdict, citations }) =>
      h("li", {}, sign(known(verdict?.label)), h("div", {},
        h("p", { class: "held", dir: "auto", lang: languageOf(text) }, text),
        h("p", { class: "why" }, h("span", { class: `word ${known(verdict?.label)}` }, verdictWord(verdict)),
          reason && [" ", bdi(reason)],
          scored(verdict) && h("span", { class: "fine-print" }, ` ${t("score")} ${number(verdict.score, 2)}`)),
        verdict?.label !== "unsupported" && citations?.map((citation) => quoted(citation)),
        verdict?.method && h("p", { class: "fine-print" }, t("method"), ": ", bdi(checkedBy(verdict.method))))))));
}

/** What says otherwise, word for word: other sources, the same work in another text, or the source itself. */
export function disputes(claim, source, read) {
  if (!claim.disputed_by?.length) return null;
  const works = new Set(claim.citations.map((c) => workOf(source(c.label), c.source_id)));
  const cited = new Set(claim.citations.map((c) => c.source_id));
  const kind = (c) => cited.has(c.source_id) ? "disputedHere" : works.has(workOf(source(c.label), c.source_id)) ? "disputedSelf" : "disputed";
  const groups = ["disputed", "disputedSelf", "disputedHere"].map((key) => [key, claim.disputed_by.filter((c) => kind(c) === key)]);
  return h("div", { class: "disputes" }, groups.map(([key, citations]) => citations.length > 0 && [
    h("p", { class: "word contradicted" }, t(key)),
    citations.map((citation) => [quoted(citation), source(citation.label)
      && h("button", { type: "button", class: "plain", onclick: (e) => read(citation, e.currentTarget) }, t("readHere"))])]));
}

const workOf = (source, id) => source?.work || source?.id || id;
