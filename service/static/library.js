// The list of sources, and the choice of which of them to search.

import { t } from "./i18n.js";
import { bdi, h, sourceMeta, sourceTitle } from "./render.js";

export class Library {
  #dialog;
  #onChange;
  #left = new Set(); // ids that are not to be searched
  #sources = null;

  constructor(dialog, onChange) {
    this.#dialog = dialog;
    this.#onChange = onChange;
    dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); }); // on the backdrop
  }

  get size() { return this.#sources?.length ?? 0; }

  /** The ids to search, or undefined for all of them; none where the reader chose none. */
  get chosen() {
    if (!this.#sources || !this.#left.size) return undefined;
    const ids = this.#sources.map((s) => s.id).filter((id) => !this.#left.has(id));
    return ids.length < this.size ? ids : undefined;
  }

  clear() {
    this.#left.clear();
    this.#onChange();
  }

  /** Search in one source alone, or no more in it. */
  only(id) { return this.#narrow((each) => each === id); }
  leave(id) { return this.#narrow((each) => each !== id && !this.#left.has(each)); }

  async #narrow(stays) {
    if (!this.#sources) await this.#load().catch(() => {});
    this.#left = new Set(this.#sources?.map((s) => s.id).filter((id) => !stays(id)));
    this.draw();
    this.#onChange();
  }

  async #load() {
    const response = await fetch("/v1/sources", { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(String(response.status));
    this.#sources = (await response.json()).sources;
  }

  async open() {
    this.draw();
    this.#dialog.showModal();
    try {
      await this.#load();
      this.draw();
    } catch {
      this.draw(t("libraryFailed"));
    }
  }

  draw(failure) {
    const list = this.#sources ?? [];
    const tick = (on) => {
      for (const { id } of list) on ? this.#left.delete(id) : this.#left.add(id);
      for (const box of this.#dialog.querySelectorAll("input")) box.checked = on;
      this.#onChange();
    };
    const digests = list.some((source) => source.kind === "digest");
    const words = failure ?? (this.#sources && !list.length ? t("libraryEmpty") : t("libraryNote", { digests }));
    this.#dialog.replaceChildren(
      h("header", {},
        h("h2", { id: "library-title" }, t("libraryTitle")),
        h("button", { type: "button", class: "secondary", autofocus: true, onclick: () => this.#dialog.close() }, t("close"))),
      h("div", { class: "library-bar" }, h("p", {}, words), list.length > 1 && h("p", { class: "ticks" },
        h("button", { type: "button", class: "plain", onclick: () => tick(true) }, t("tickAll")),
        h("button", { type: "button", class: "plain", onclick: () => tick(false) }, t("tickNone")))),
      h("ul", { role: "list" }, list.map((source, i) => this.#row(source, i))));
  }

  #row(source, i) {
    const box = h("input", { type: "checkbox", id: `lib-${i}`, "aria-labelledby": `lib-t${i}` });
    box.checked = !this.#left.has(source.id);
    box.addEventListener("change", () => {
      box.checked ? this.#left.delete(source.id) : this.#left.add(source.id);
      this.#onChange();
    });
    return h("li", {}, box, h("div", {},
      h("p", { class: "lib-title", id: `lib-t${i}` }, sourceTitle(source)),
      sourceMeta(source, [t("passages", { n: source.passages }), source.licence && bdi(source.licence)],
        source.kind === "digest" ? t("digestShort") : undefined)));
  }
}
