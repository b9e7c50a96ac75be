// How the sentences of an answer were checked: quotes, scores and methods. Loaded when first opened.

import { number, t } from "./i18n.js";
import "./i18n_checks.js";
import { bdi, catalogued, field, h, known, quoted, sign, standing, verdictWord } from "./render.js";
import { clipEnd, flow, plainClaim } from "./text.js";

const JUDGED = /^judge: (.+?)(, overruled by a rule)?$/s; // by which model
const CERTAIN = ["metadata", "overview"]; // what is so by its making has no probability
const UNJUDGED = /^(.+?)(?: \(judge: ([a-z ]+)\))?$/s; // how else, and why no judge decided
const LONGEST = 160; // characters of a sentence that is named

/** How a sentence was checked, in words; as it is where this page does not know the way. */
function checkedBy(method) {
  const [, judge, overruled] = JUDGED.exec(method) ?? [];
  if (judge) return t(overruled ? "overruled" : "judged", { name: judge });
  const [, way, failure] = UNJUDGED.exec(method) ?? [];
  const [how, why] = [t(`methods.${way}`), failure ? t(`notJudged.${failure}`) : ""];
  return how === undefined || why === undefined ? method : how + why;
}

/** A judge gives no probability: its verdicts all have the score 1, which would say too much. */
const scored = (verdict) => Number.isFinite(verdict?.score) && !JUDGED.test(verdict.method ?? "") && !CERTAIN.includes(verdict.method);

/**
 * The checks of every sentence, shown and withheld. `source(citation)` gives a source of the evidence,
 * `name(citation)` its number or title, and `read(claim, citation, opener)` opens it at a quote.
 */
export function checks(claims, rejected, { source, name, read }) {
  const shown = claims.map((claim, index) => item(standing(claim), plainClaim(claim), t(`verdict.${standing(claim)}`),
    [...quotes(claim, (citation, opener) => read(index, citation, opener), source, name), ...reasons(claim)]));
  const held = rejected.map(({ text, verdict }) => item(known(verdict?.label), text, `${t("held")} · ${verdictWord(verdict)}`, made(verdict)));
  return h("ol", { class: "checks", role: "list" }, shown, held);
}

const item = (how, words, verdict, rows) => h("li", {}, sign(how), h("div", {},
  h("p", { class: "of" }, bdi(clipEnd(flow(words), LONGEST))), h("p", { class: "word" }, verdict),
  h("dl", {}, rows.map(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]))));

function quotes(claim, read, source, name) {
  return claim.citations.map((citation) => {
    const { metadata } = citation;
    const about = source(citation);
    return [t(metadata ? "metadataOf" : "restsOn", { name: name(citation) }),
      [about && bdi(about.title || about.url), metadata ? field(citation) : quoted(citation, ""),
        h("button", { type: "button", class: "plain", onclick: (e) => read(citation, e.currentTarget) }, t(metadata ? "toCard" : "readHere"))]];
  });
}

function reasons(claim) {
  const rows = [];
  if (claim.reason) rows.push([t("why"), bdi(claim.reason)]);
  if (claim.works > 0 && !catalogued(claim)) rows.push([t("witnesses"), t("witnessesWhy", { n: claim.works })]);
  if (claim.secondary) rows.push([t("secondary"), t("secondaryWhy")]);
  if (claim.verdict?.label === "supported") rows.push([t("answering"), answering(claim)]);
  return [...rows, ...made(claim.verdict)];
}

/** The score of a verdict, and who or what gave it. */
function made(verdict) {
  const rows = [];
  if (scored(verdict)) rows.push([t("score"), [`${number(verdict.score, 2)} `, t("scoreWhy")]]);
  if (verdict?.method) rows.push([t("method"), bdi(checkedBy(verdict.method))]);
  return rows;
}

/** Whether a sentence answers the question, how likely that is, and who decided it. */
function answering({ answers }) {
  if (typeof answers?.holds !== "boolean") return t("answersUnknown");
  return [scored(answers) && `${number(answers.score, 2)}: `, t(answers.holds ? "answersYes" : "contextWhy"),
    answers.method && [" · ", bdi(checkedBy(answers.method))]];
}
