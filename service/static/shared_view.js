// The read-only view of a shared conversation, as it was when the link was made.

import { api } from "./api.js";
import { problemNote, shortTime } from "./dialogs.js";
import { t } from "./i18n.js";
import { bdi, h } from "./render.js";
import { isBeginning } from "./route.js";

export class SharedView {
  #token;
  #place;
  #found = null;
  #failure = null;

  constructor(token, place) {
    this.#token = token;
    this.#place = place;
    document.body.classList.remove("fresh");
  }

  /** The answers; none where the link leads nowhere, which is said. */
  async read() {
    try {
      this.#found = await api(`/v1/shared/${this.#token}`);
      document.title = `${this.#found.title} – Tenkyo`;
    } catch (error) {
      this.#failure = error;
    }
    this.draw();
    return this.#found?.answers ?? [];
  }

  draw() {
    if (this.#failure) return this.#place.replaceChildren(h("h1", {}, t("shared.gone")), problemNote(this.#failure));
    if (!this.#found) return;
    const { title, shared_at: at, expires_at: end, answers } = this.#found;
    const file = (format, words) => h("a", { href: `/v1/shared/${this.#token}/export?format=${format}`, download: true }, words);
    this.#place.replaceChildren(...[
      isBeginning(title, answers[0]?.question) ? h("h1", { class: "only" }, t("shared.kicker"))
        : [h("p", { class: "kicker" }, t("shared.kicker")), h("h1", {}, bdi(title))],
      h("p", {}, t("shared.note", { date: shortTime(at, { dateStyle: "long" }) }), end ? ` ${t("shared.ends", { date: shortTime(end) })}` : ""),
      h("p", { class: "files" }, file("markdown", t("share.markdown")), file("bibtex", "BibTeX"))].flat());
  }
}
