// Beside the question box: which model writes the next answer, or none, so that it quotes the sources.

import { t } from "./i18n.js";
import { h } from "./render.js";

const QUOTES = ""; // the value of the last choice; no model has an empty name

export class WriterPicker {
  #place;
  #connect;
  #models = [];
  #picked; // a model's name, or QUOTES; undefined until the reader picks: the usual model

  /** `connect()` opens what connects a model. */
  constructor(place, connect) {
    this.#place = place;
    this.#connect = connect;
  }

  /** How the next question is to be answered. */
  get chosen() {
    const usual = this.#picked === undefined || this.#picked === this.#models[0];
    return { quoted: this.#picked === QUOTES, model: usual || !this.#picked ? undefined : this.#picked };
  }

  /** The usual model writes from now on, whatever was picked: it is the one that was just connected. */
  chooseUsual() {
    this.#picked = undefined;
    this.draw(this.#models);
  }

  draw(models) {
    this.#models = models;
    if (this.#picked && !models.includes(this.#picked)) this.#picked = undefined;
    this.#place.replaceChildren(...(models.length ? [this.#select(), this.#other()] : [this.#hint()]));
  }

  #select() {
    const option = (value, words) => h("option", { value, selected: value === (this.#picked ?? this.#models[0]) }, words);
    const select = h("select", { id: "writer", "aria-label": t("writer"), onchange: () => { this.#picked = select.value; } },
      this.#models.map((name) => option(name, name)), option(QUOTES, t("quotesOnly")));
    return select;
  }

  /** In a conversation, too, where the start page's button is not to be seen. */
  #other() {
    return h("button", { type: "button", class: "plain", "aria-haspopup": "dialog", "aria-label": t("otherModel"), title: t("otherModel"), onclick: this.#connect }, "…");
  }

  #hint() {
    return h("button", { type: "button", class: "plain", id: "writer", "aria-haspopup": "dialog", onclick: this.#connect }, t("quotesNoModel"));
  }
}
