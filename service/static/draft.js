// What a model has written before it was checked, in grey, and a clock for the one who waits.
// A draft is text only: it is not read out, not selected, copied, printed or kept.

import { number, t } from "./i18n.js";
import { bdi, h } from "./render.js";

export class Draft {
  #began = performance.now();
  #clock = h("span", { class: "clock" });
  #words = h("span", {});
  #timer = setInterval(() => this.#tick(), 1000);

  constructor() {
    /** The last item of the sentences; it stays in place while they are added before it. */
    this.item = h("li", { class: "draft", "aria-hidden": "true" });
    this.note = h("div", { class: "pending", "aria-hidden": "true" }, h("i"), h("i"), h("i"), this.#words, this.#clock);
  }

  /** `sentences`: all that is not decided yet. */
  show(sentences) {
    this.sentences = sentences;
    this.item.replaceChildren(...sentences.flatMap((words) => [bdi(words), " "]));
    this.#words.textContent = sentences.length ? t("draft") : "";
  }

  /** Take out the first sentence, once it is shown or withheld. */
  decided(words) {
    if (this.sentences?.[0] === words) this.show(this.sentences.slice(1));
  }

  #tick() {
    this.#clock.textContent = t("seconds", { n: number(Math.round((performance.now() - this.#began) / 1000)) });
  }

  end() {
    clearInterval(this.#timer);
    this.item.remove();
  }
}
