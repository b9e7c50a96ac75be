// A quote in another language than the question's: it stands as it is, with its language named, and a
// translation by the model for those who ask for one.

import { Problem, api } from "./api.js";
import { language, t } from "./i18n.js";
import { bdi, h } from "./render.js";
import { flow, languageName, languageOf } from "./text.js";

const translations = new Map(); // by quote and language; each is asked for once

/** The language of some quotes of a source, if it is not `wanted`. */
export function foreign(source, citations, wanted) {
  const [first] = citations;
  const theirs = first && !first.metadata && (source?.language || languageOf(first.quote));
  return theirs && wanted && theirs.slice(0, 2) !== wanted ? theirs : null;
}

/** What is set below such quotes: their language and, where a model `translates`, the way to a translation. */
export function foreignNote(source, citations, wanted, translates) {
  const theirs = foreign(source, citations, wanted);
  if (!theirs) return null;
  const root = h("div", { class: "foreign" });
  const key = ({ passage_id: passage, start, end }) => JSON.stringify([passage, start, end, wanted]);
  const draw = (state, problem) => {
    const made = citations.map((citation) => translations.get(key(citation)));
    const button = () => h("button", { type: "button", class: "plain", "aria-busy": state === "busy" && "true", onclick: ask },
      t(state === "busy" ? "translating" : "translate"));
    const more = made.every(Boolean) ? made.map(translation) : translates ? [" · ", button(), problem && h("p", { class: "fine-print", role: "alert" }, problem)] : [];
    root.replaceChildren(h("span", { class: "tongue" }, t("quoteIn", { language: languageName(theirs, language()) })), ...more.filter(Boolean));
  };
  const ask = async () => {
    if (root.querySelector("[aria-busy]")) return;
    draw("busy");
    root.querySelector("button").focus();
    let problem = "";
    try {
      for (const citation of citations) {
        if (translations.has(key(citation))) continue;
        const { passage_id, start, end } = citation;
        const made = await api("/v1/translations", { method: "POST", json: { passage_id, start, end, language: wanted } });
        if (made.text === null) throw new Problem(t("noModelYet")); // it was disconnected meanwhile
        translations.set(key(citation), made);
      }
    } catch (error) {
      problem = error.detail || error.title;
    }
    const had = root.contains(document.activeElement);
    draw("", problem);
    if (had) root.querySelector("button, .translation")?.focus();
  };
  draw("");
  return root;
}

const translation = ({ text, language: code, model }) => h("div", { class: "translation", tabindex: "-1" },
  h("p", { dir: "auto", lang: code }, flow(text)), h("p", { class: "fine-print" }, bdi(t("translatedBy", { model }))));
