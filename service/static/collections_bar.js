// Collections in the dialog of sources: a row of chips, of which the chosen one is shown and asked in, and
// what can be done with it.

import { api } from "./api.js";
import { button, confirmed, copied, problemNote, whenReleased } from "./dialogs.js";
import { t } from "./i18n.js";
import { bdi, h } from "./render.js";
import { address } from "./route.js";

const LONGEST = 80; // characters of a name
const path = (id, source) => `/v1/collections/${encodeURIComponent(id)}${source == null ? "" : `/sources/${encodeURIComponent(source)}`}`;

export class CollectionsBar {
  #scope;
  #say;
  #form = null; // what is being named: "new", or the id of a collection
  #filled = null; // the id of the collection into which sources are being put
  changes = false; // whether the service lets collections be changed

  /** `say(words)` reads out. */
  constructor(scope, say) {
    this.#scope = scope;
    this.#say = say;
    this.root = h("section", { class: "collections", "aria-labelledby": "collections-title" });
    this.trouble = h("div", {});
    const draw = () => this.draw();
    scope.onChange(() => whenReleased(draw));
  }

  /** The collection that is shown, if it is one. */
  get shown() { return this.#scope.list?.find(({ name }) => name === this.#scope.collection) ?? null; }

  /** Whether the list of sources is there to put some into the collection that is shown. */
  get filling() { return this.#filled !== null && this.#filled === this.shown?.id; }

  get all() { return this.#scope.list ?? []; }

  async load() {
    try {
      await this.#scope.load();
    } catch (error) {
      this.trouble.replaceChildren(problemNote(error));
    }
  }

  startNew() {
    this.#name("new");
  }

  draw() {
    const { shown } = this;
    if (!this.filling) this.#filled = null;
    if (this.#form && this.#form !== "new" && this.#form !== shown?.id) this.#form = null;
    const typing = this.root.contains(document.activeElement) && document.activeElement.id;
    const typed = this.field?.value;
    const chip = (words, n, on, act) => h("button", { type: "button", class: "shelf", "aria-pressed": String(on), onclick: act },
      bdi(words), n == null ? "" : h("span", { class: "when" }, String(n)));
    const chosen = this.#scope.collections ?? [];
    const chips = [
      chip(t("scopeAll"), this.#scope.size || null, !chosen.length, () => { if (chosen.length) this.#scope.choose(); }),
      ...this.all.map(({ name, sources }) => chip(name, sources, chosen.includes(name), () => this.#scope.choose({ collections: [name] }))),
    ];
    if (this.changes) chips.push(button(t("collections.new"), () => this.#name("new"), "plain", { id: "collection-new" }));
    this.root.hidden = !this.changes && !this.all.length;
    this.root.replaceChildren(
      h("h3", { id: "collections-title" }, t("collections.title")),
      h("div", { role: "group", class: "shelves", "aria-labelledby": "collections-title" }, chips),
      this.#form ? this.#naming(shown) : shown ? this.#tools(shown) : "",
      this.trouble);
    if (typing === "collection-name" && this.#form) {
      this.field.value = typed;
      this.field.focus();
    } else if (typing) document.getElementById(typing)?.focus();
  }

  #tools(shown) {
    const link = new URL(address(null, shown.name), location.href).href;
    const copy = async () => this.#tell(t(await copied(link) ? "collections.linkCopied" : "notCopied"));
    return h("p", { class: "shelf-tools" },
      this.changes && button(t(this.filling ? "collections.filled" : "collections.fill"), () => { this.#filled = this.filling ? null : shown.id; this.#scope.choose({ collections: [shown.name] }); }, "secondary", { id: "collection-fill" }),
      button(t("collections.link"), copy, "plain", { id: "collection-link" }),
      this.changes && button(t("collections.rename"), () => this.#name(shown.id), "plain", { id: "collection-rename" }),
      this.changes && button(t("collections.delete"), () => this.#delete(shown), "plain danger", { id: "collection-delete" }));
  }

  // --- Making and renaming ---

  #name(what) {
    this.#form = what;
    this.draw();
    this.field.value = what === "new" ? "" : this.shown.name;
    this.field.focus();
    this.field.select();
  }

  #naming(shown) {
    const making = this.#form === "new";
    this.field = h("input", { type: "text", id: "collection-name", class: "title-field", maxlength: LONGEST, autocomplete: "off", required: true,
      "aria-label": t("collections.name"), placeholder: t("collections.name") });
    this.field.addEventListener("keydown", (e) => {
      if (e.key !== "Escape" || e.isComposing) return;
      e.preventDefault(); // that the dialog closes
      e.stopPropagation();
      this.#end();
    });
    return h("form", { class: "naming", onsubmit: (e) => { e.preventDefault(); this.#save(making ? null : shown); } },
      this.field, h("button", { class: "secondary" }, t(making ? "collections.make" : "collections.save")), button(t("keep"), () => this.#end()));
  }

  #end() {
    const back = this.#form === "new" ? "collection-new" : "collection-rename";
    this.#form = null;
    this.trouble.replaceChildren();
    this.draw();
    document.getElementById(back)?.focus();
  }

  async #save(shown) {
    const name = this.field.value.trim();
    if (!name) return this.field.focus();
    const made = await this.#try(() => (shown ? api(path(shown.id), { method: "PATCH", json: { name } }) : api("/v1/collections", { method: "POST", json: { name } })));
    if (!made) return this.field.focus();
    this.#form = null;
    await this.load();
    this.#scope.choose({ collections: [made.name] });
    this.#tell(t(shown ? "collections.renamed" : "collections.made", made));
    document.getElementById(shown ? "collection-rename" : "collection-fill")?.focus();
  }

  async #delete(shown) {
    if (!(await confirmed(t("collections.deleteTitle"), shown.name, t("collections.deleteText"), t("collections.deleteYes")))) return;
    const gone = await this.#try(() => api(path(shown.id), { method: "DELETE" }).then(() => true), 404);
    if (!gone) return;
    this.#scope.choose();
    await this.load();
    this.#tell(t("collections.deleted", shown));
    this.root.querySelector("button")?.focus();
  }

  // --- Filling ---

  /** Put a source into a collection, or take it out. */
  async put(collection, source, into) {
    await this.#try(() => (into
      ? api(`${path(collection.id)}/sources`, { method: "POST", json: { source_ids: [source.id] } })
      : api(path(collection.id, source.id), { method: "DELETE" })));
    await this.load();
  }

  /** What `act` gives, true if it is refused with the status `passed`; null where it fails, which is shown. */
  async #try(act, passed = null) {
    this.trouble.replaceChildren();
    try {
      return await act();
    } catch (error) {
      if (error.status === passed) return true; // another window was faster
      this.trouble.replaceChildren(problemNote(error));
      return null;
    }
  }

  #tell(words) {
    this.trouble.replaceChildren(h("p", { class: "none", role: "status" }, words));
    this.#say(words);
  }
}
