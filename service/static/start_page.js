// The start page below the question box: questions to begin with, what the library holds, and the
// language model. The server puts what is shown into the page, so that nothing of it comes later.

import { api } from "./api.js";
import { language, number, t } from "./i18n.js";
import { bdi, h } from "./render.js";
import { judgeWords } from "./verdict.js";

const $ = (id) => document.getElementById(id);

export class StartPage {
  #on;
  #scope;
  #shown = JSON.parse($("start")?.textContent || "null"); // none on the page of a shared conversation
  #asked = new Map(); // by language: examples that the server had not found yet

  /** `scope`: where the next question is asked. `on`: ask(question), openLibrary(), openModel(), changed(): other models, or another library. */
  constructor(scope, on) {
    this.#scope = scope;
    this.#on = on;
  }

  /** The names of the models that can write, the usual one first. */
  get models() { return this.#shown?.models ?? []; }

  async refresh() {
    try {
      this.#shown = await api("/page/start");
    } catch {
      return; // a courtesy; asking will say what is wrong
    }
    this.#asked.clear();
    this.draw();
    this.#on.changed();
  }

  draw() {
    if (!this.#shown) return;
    const sources = this.#shown.ready?.sources;
    const none = sources === 0 || this.#scope.isEmpty;
    $("empty-note").firstElementChild.textContent = t(sources && this.#scope.isEmpty ? "collectionEmpty" : "nothing");
    $("empty-note").hidden = !none || !document.body.classList.contains("fresh");
    $("examples").classList.toggle("nothing", none || Boolean(this.#scope.asked)); // examples are of the whole library
    $("facts").replaceChildren(...(sources === 0 ? [] : [this.#library()]), this.#model()); // the note above says that there is none
    this.#drawExamples();
  }

  #library() {
    const { ready, adds } = this.#shown;
    const many = ready?.sources ?? 0;
    const chosen = this.#scope.count;
    const newest = this.#scope.asked ? [] : this.#shown.newest; // they are of the whole library
    const count = !ready ? t("notReady") : chosen == null ? t("facts", { sources: many, passages: number(ready.passages) })
      : t("scope", { n: chosen, all: many });
    return h("section", { "aria-labelledby": "has-title" },
      h("h2", { id: "has-title" }, count),
      h("ul", { role: "list", class: "newest" }, newest.map(({ title, language: lang }) => h("li", {}, bdi(title, lang || undefined)))),
      h("p", { class: "next" },
        many > newest.length && act(t("allSources", { n: many }), this.#on.openLibrary),
        adds && many > 0 && act(t("addDocuments"), this.#on.openLibrary)));
  }

  #model() {
    const { ready } = this.#shown;
    const [name] = this.models;
    return h("section", { "aria-labelledby": "model-name" },
      h("h2", { id: "model-name" }, name ? bdi(t("factsModel", { model: name })) : t("noModelYet")),
      h("p", {}, t(name ? "modelWrites" : "modelQuotes")),
      ready?.judge && h("p", { class: "judge" }, bdi(judgeWords(ready.judge), language())),
      h("p", { class: "next" }, act(t(name ? "changeModel" : "connectModel"), this.#on.openModel)));
  }

  async #drawExamples() {
    const wanted = language();
    let found = this.#shown.examples?.[wanted];
    $("examples").classList.toggle("late", !found); // then they come last, where they push nothing down
    if (!found) {
      if (!this.#asked.has(wanted)) {
        this.#asked.set(wanted, api(`/v1/examples?language=${wanted}`).then((body) => body.questions ?? []).catch(() => []));
      }
      found = await this.#asked.get(wanted);
      if (wanted !== language()) return;
    }
    $("examples-title").hidden = !found.length;
    $("example-list").replaceChildren(...found.map((words) =>
      h("li", {}, h("button", { type: "button", class: "example", onclick: () => this.#on.ask(words) }, words))));
  }
}

const act = (words, onclick) => h("button", { type: "button", class: "plain", onclick }, words);
