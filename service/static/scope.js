// Where the next question is asked: in the whole library, in collections, or in chosen sources. It is
// shown beside the question box; scope_menu.js changes it there.

import { api } from "./api.js";
import { t } from "./i18n.js";
import { bdi, h, srOnly } from "./render.js";
import { address, collectionNamed, named } from "./route.js";

const folded = (name) => name.normalize("NFKC").trim().toLowerCase();
/** Whether two spellings name one collection, for the server knows no difference of case or width. */
export const sameName = (one, other) => folded(one) === folded(other);

export class AskScope {
  #titles = new Map(); // of sources, by id
  #listeners = [];
  #button = document.getElementById("scope");
  #clear = document.getElementById("scope-clear");
  sources; // ids; undefined for all
  collections; // names; undefined for none
  list = null; // the collections that there are, once they were asked for
  size = 0; // sources of the library, 0 before that is known

  onChange(act) { this.#listeners.push(act); }

  /** As the API takes it; undefined for the whole library. */
  get asked() {
    if (this.collections) return { collections: this.collections };
    return this.sources && { source_ids: this.sources };
  }

  get isNothing() { return !this.collections && this.sources?.length === 0; }

  /** The one collection that is chosen, if it is one: where documents are added. */
  get collection() { return this.collections?.length === 1 ? this.collections[0] : null; }

  /** Whether nothing is in what is chosen, as far as is known. */
  get isEmpty() {
    return Boolean(this.collections && this.list) && this.held.length === 0;
  }

  /** How many sources are chosen; undefined for all, null where that is not known. */
  get count() { return this.collections ? this.list && this.held.length : this.sources?.length; }

  /** The ids of the sources in the chosen collections. */
  get held() {
    const chosen = (this.list ?? []).filter(({ name }) => this.collections?.includes(name));
    return [...new Set(chosen.flatMap((each) => each.source_ids))];
  }

  /** Ask in the whole library, or in what is given: {collections} or {sources}. */
  choose({ collections, sources } = {}) {
    this.collections = collections?.length ? collections : undefined;
    this.sources = this.collections ? undefined : sources;
    if (this.collections && !this.list) this.load().catch(() => {}); // asking will say what is wrong
    if (!named()) history.replaceState(null, "", address(null, this.collection));
    this.#changed();
  }

  toggle(name, on) {
    const others = (this.collections ?? []).filter((each) => each !== name);
    this.choose({ collections: on ? [...others, name] : others });
  }

  /** Ask in one source alone. */
  only({ id, title }) {
    this.#titles.set(id, title);
    this.choose({ sources: [id] });
  }

  /** As the last answer of a conversation was asked for. */
  restore(answer) {
    this.learn(answer.evidence.map((e) => e.source));
    const { collections, source_ids: sources } = answer.scope ?? {};
    this.choose({ collections: collections ?? undefined, sources: sources ?? undefined });
  }

  learn(sources) {
    for (const { id, title } of sources) this.#titles.set(id, title);
  }

  /** Ask the server which collections there are. */
  async load() {
    this.list = (await api("/v1/collections")).collections;
    this.#changed();
    return this.list;
  }

  /** Take the collection that the page's address names. A promise of its name if there is none such. */
  async arrive() {
    const name = collectionNamed();
    if (!name) return null;
    this.collections = [name]; // at once: no question may be asked elsewhere meanwhile
    this.#changed();
    const list = await this.load().catch(() => null);
    if (!list) return null; // asking will say what is wrong
    const found = list.find((each) => sameName(each.name, name));
    this.choose(found ? { collections: [found.name] } : {});
    return found ? null : name;
  }

  #changed() {
    this.draw();
    for (const act of this.#listeners) act();
  }

  /** A scope as the API gives it, in words. */
  words({ collections, source_ids: ids } = {}) {
    if (collections?.length) return collections.join(t("and").comma);
    if (ids?.length === 1 && this.#titles.get(ids[0])) return this.#titles.get(ids[0]);
    return ids ? t("scope", { n: ids.length, all: this.size }) : t("scopeAll");
  }

  draw() {
    const words = this.words(this.asked);
    this.#button.replaceChildren(srOnly(t("scopeIn")), bdi(words), h("span", { class: "more", "aria-hidden": "true" }, "▾"));
    this.#button.classList.toggle("chip", Boolean(this.asked));
    this.#clear.hidden = !this.asked;
    this.#clear.setAttribute("aria-label", t("scopeClear"));
    this.#clear.title = t("scopeClear");
  }
}
