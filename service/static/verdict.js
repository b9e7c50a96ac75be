// The verdict of a claim in words, and, when unfolded, the quotes and the score behind it.

import { number, t } from "./i18n.js";
import { bdi, h, known, quoted, verdictWord } from "./render.js";

/**
 * The verdict of a claim, to be unfolded. `source(label)` gives a source of the evidence,
 * `read(citation)` opens it at a quote. What is inside is made when it is first asked for.
 */
export function verdictDetails(claim, source, read) {
  const label = known(claim.verdict?.label);
  const words = claim.works > 0 ? t("supportedBy", { n: claim.works }) : verdictWord(claim.verdict);
  const fold = h("details", { class: "why", ontoggle: () => fold.open && fold.children.length < 2 && fold.append(inside(claim, source, read)) },
    h("summary", {}, h("span", { class: `word ${label}` }, words),
      claim.secondary && h("span", { class: "word secondary" }, ` · ${t("secondary")}`)));
  return fold;
}

function inside(claim, source, read) {
  const { verdict } = claim;
  const rows = [];
  for (const citation of claim.citations) {
    const about = source(citation.label);
    rows.push([t("restsOn", { label: citation.label }), [about && bdi(about.title || about.url), quoted(citation, ""),
      h("button", { type: "button", class: "plain", onclick: (e) => read(citation, e.currentTarget) }, t("readHere"))]]);
  }
  if (claim.reason) rows.push([t("why"), bdi(claim.reason)]);
  if (claim.works > 0) rows.push([t("witnesses"), t("witnessesWhy", { n: claim.works })]);
  if (claim.secondary) rows.push([t("secondary"), t("secondaryWhy")]);
  if (Number.isFinite(verdict?.score)) {
    rows.push([t("score"), [`${number(verdict.score, 2)} `, t("scoreWhy")]]);
  }
  if (verdict?.method) rows.push([t("method"), t(`methods.${verdict.method}`) ?? bdi(verdict.method)]);
  return h("dl", {}, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** What other sources say otherwise, word for word; and whether it is the same work in another text. */
export function disputes(claim, source, read) {
  if (!claim.disputed_by?.length) return null;
  const works = new Set(claim.citations.map((c) => workOf(source(c.label), c.source_id)));
  const same = (c) => works.has(workOf(source(c.label), c.source_id));
  const groups = [["disputed", claim.disputed_by.filter((c) => !same(c))], ["disputedSelf", claim.disputed_by.filter(same)]];
  return h("div", { class: "disputes" }, groups.map(([key, citations]) => citations.length > 0 && [
    h("p", { class: "word contradicted" }, t(key)),
    citations.map((citation) => [quoted(citation), source(citation.label)
      && h("button", { type: "button", class: "plain", onclick: (e) => read(citation, e.currentTarget) }, t("readHere"))])]));
}

const workOf = (source, id) => source?.work || source?.id || id;
