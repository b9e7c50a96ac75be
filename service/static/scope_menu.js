// The dialog behind the button beside the question box: ask in the whole library, in one or several
// collections, or in one source.

import { button, heading, modal, whenReleased } from "./dialogs.js";
import { t } from "./i18n.js";
import { bdi, h } from "./render.js";

export class ScopeMenu {
  #dialog = modal(h("dialog", { class: "library scope-menu", "aria-labelledby": "scope-title" }));
  #scope;
  #library;

  /** `library`: opens with open(adding), and has sources. */
  constructor(scope, library) {
    this.#scope = scope;
    this.#library = library;
    document.body.append(this.#dialog);
    const draw = () => this.#fill();
    scope.onChange(() => { if (this.#dialog.open) whenReleased(draw); });
  }

  async open() {
    this.draw();
    this.#dialog.showModal();
    await Promise.all([this.#library.load(), this.#scope.load().catch(() => {})]);
    this.#fill();
  }

  draw() {
    this.body = h("div", {});
    this.#dialog.replaceChildren(heading(this.#dialog, "scope-title", t("collections.where")), this.body);
    this.#fill();
  }

  #fill() {
    const scope = this.#scope;
    const at = this.body.contains(document.activeElement) ? document.activeElement.id : "";
    const all = h("input", { type: "radio", id: "scope-all", onchange: () => scope.choose() });
    all.checked = !scope.asked;
    const rows = (scope.list ?? []).map(({ name, sources }, i) => {
      const box = h("input", { type: "checkbox", id: `scope-c${i}`, onchange: () => scope.toggle(name, box.checked) });
      box.checked = scope.collections?.includes(name) ?? false;
      return h("li", {}, h("label", { class: "choice" }, box, bdi(name), h("span", { class: "when" }, t("collections.sources", { n: sources }))));
    });
    const one = h("select", { id: "scope-one", onchange: () => this.#one(one.value) },
      h("option", { value: "" }, scope.sources?.length > 1 ? scope.words(scope.asked) : t("collections.noSource")),
      this.#library.sources.map(({ id, title }) => h("option", { value: id, selected: scope.sources?.length === 1 && scope.sources[0] === id }, title || id)));
    this.body.replaceChildren(
      h("label", { class: "choice" }, all, h("span", {}, t("scopeAll"))),
      h("h3", {}, t("collections.title")),
      rows.length ? h("ul", { role: "list", class: "choices-list" }, rows) : h("p", { class: "none" }, t("collections.none")),
      h("p", {}, button(t(rows.length ? "collections.manage" : "collections.new"), () => this.#manage(!rows.length))),
      h("h3", {}, h("label", { for: "scope-one" }, t("collections.oneSource"))), one);
    if (at) document.getElementById(at)?.focus();
  }

  #one(id) {
    const source = this.#library.sources.find((each) => each.id === id);
    source ? this.#scope.only(source) : this.#scope.choose();
  }

  #manage(making) {
    this.#dialog.close();
    this.#library.open(making);
  }
}
