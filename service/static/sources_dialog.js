// The dialog with the list of sources: choose which to search, see their metadata, add more, and put them
// into collections.

import { wantsRemoval } from "./upload_dialog.js";
import { api } from "./api.js";
import { button, heading, modal, problemNote, shortTime, whenReleased } from "./dialogs.js";
import { t } from "./i18n.js";
import { reasonOf } from "./job_items.js";
import { bdi, h, kindWord, sourceMeta, sourceTitle, srOnly } from "./render.js";
import { sourceHref } from "./text.js";

const FILTER_FROM = 6; // sources; fewer are seen at a glance

export class SourcesDialog {
  #dialog;
  #adding;
  #bar;
  #scope;
  #sources = null;
  #unread = [];
  #filter = "";
  #failure = null;
  #redraw = () => this.#fill();

  /** `bar`: the collections; `scope`: where is asked, which is drawn anew when it changes. */
  constructor(dialog, adding, bar, scope) {
    this.#dialog = modal(dialog);
    this.#adding = adding;
    this.#bar = bar;
    this.#scope = scope;
    this.body = h("div", {});
    scope.onChange(() => { if (this.#dialog.open) whenReleased(this.#redraw); });
  }

  get sources() { return this.#sources ?? []; }

  /** Search no more in a source. */
  async leave(id) {
    if (!this.#sources) await this.load();
    if (this.#scope.collections && !this.#scope.list) await this.#bar.load();
    this.#ask([id], false);
  }

  /** Search in some sources, or no more in them, besides what is searched. */
  #ask(ids, on) {
    const { collections, held, sources } = this.#scope;
    const all = this.sources.map((s) => s.id);
    const chosen = new Set(collections ? held : sources ?? all);
    for (const id of ids) on ? chosen.add(id) : chosen.delete(id);
    this.#choose(all.filter((id) => chosen.has(id)));
  }

  #choose(ids) {
    this.#scope.choose({ sources: ids.length < this.sources.length ? ids : undefined });
  }

  /** `making`: with the name of a new collection to be written. */
  async open(making = false) {
    if (!this.#dialog.open) {
      this.draw();
      this.#dialog.showModal();
    }
    await Promise.all([this.load(), this.#bar.load()]);
    if (making) this.#bar.startNew();
    if (!this.#adding.root.hidden) this.#adding.jobs.find().catch(() => {}); // another window may have begun some
  }

  /** Ask again what there is. */
  async load() {
    try {
      const { sources, unread = [], adds } = await api("/v1/sources");
      const before = new Set(this.sources.map((source) => source.id));
      const first = !this.#sources;
      this.#sources = sources;
      this.#unread = unread;
      this.#failure = null;
      this.#adding.open = this.#bar.changes = adds === true;
      this.#scope.size = sources.length;
      this.#scope.learn(sources);
      const { sources: chosen } = this.#scope;
      // Who left some out has the new ones searched; who asks in one source has not.
      const stays = (id) => chosen.includes(id) || (chosen.length > 1 && !first && !before.has(id));
      if (chosen) this.#choose(sources.map((s) => s.id).filter(stays));
      if (this.#scope.list) await this.#bar.load(); // with other counts
    } catch (error) {
      this.#failure = { title: t("libraryFailed"), detail: error.title };
    }
    whenReleased(this.#redraw);
    this.#scope.draw();
  }

  draw() {
    this.#dialog.replaceChildren(heading(this.#dialog, "library-title", t("libraryTitle")), this.#bar.root, this.#adding.root, this.body);
    this.#fill();
  }

  /** The sources to list, and what stands above them. */
  #listed() {
    const all = works(this.sources);
    const { collections, held } = this.#scope;
    const { shown, filling } = this.#bar;
    const digests = (list) => list.some(({ kind }) => kind === "digest");
    if (!collections || !this.#scope.list) {
      return [all, this.#sources && !all.length ? t("libraryEmpty") : t("libraryNote", { digests: digests(all) })];
    }
    if (filling) return [all, t("collections.filling", shown)];
    const list = works(this.sources.filter(({ id }) => held.includes(id)));
    if (!list.length) return [list, t("collections.empty")];
    return [list, t("collections.note")];
  }

  #fill() {
    this.#bar.draw();
    this.#adding.drawInto();
    const [list, words] = this.#listed();
    const ticked = !this.#scope.collections;
    const open = new Set([...this.body.querySelectorAll("li:has(details[open])")].map((li) => li.dataset.id));
    const rows = list.map((source, i) => this.#row(source, i, open.has(source.id)));
    const tick = (on) => {
      this.#ask(rows.filter((row) => !row.hidden).map((row) => row.dataset.id), on);
    };
    const nothing = h("p", { class: "none", role: "status" });
    const filter = h("input", { type: "search", id: "filter", placeholder: t("filter"), "aria-label": t("filter"), autocomplete: "off" });
    const sift = () => {
      this.#filter = filter.value;
      const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row, i) => { row.hidden = !wanted.every((word) => searchable(list[i]).includes(word)); });
      nothing.textContent = rows.length && rows.every((row) => row.hidden) ? t("noneFound") : "";
    };
    filter.value = this.#filter;
    filter.addEventListener("input", sift);
    const typing = document.activeElement?.id === "filter";
    const focused = document.activeElement;
    const at = this.body.contains(focused) && focused.closest("li")?.dataset.id;
    const part = focused?.getAttribute("aria-label") ? `[aria-label="${CSS.escape(focused.getAttribute("aria-label"))}"]` : ":is(input, summary)";
    this.body.replaceChildren(
      this.#failure ? problemNote(this.#failure) : "",
      h("div", { class: "library-bar" }, h("p", {}, words),
        list.length >= FILTER_FROM && filter,
        ticked && list.length > 1 && h("p", { class: "ticks" }, button(t("tickAll"), () => tick(true)), button(t("tickNone"), () => tick(false)))),
      h("ul", { role: "list" }, rows), nothing, unreadFold(this.#unread) ?? "");
    if (list.length >= FILTER_FROM) sift();
    if (typing) filter.focus();
    if (at) this.body.querySelector(`li[data-id="${CSS.escape(at)}"] ${part}`)?.focus();
  }

  #row(source, i, open) {
    const { shown, filling } = this.#bar;
    const asked = this.#scope.collections ? null : this.#scope.sources ?? [source.id]; // ids that are ticked
    const box = (asked || filling) && h("input", { type: "checkbox", id: `lib-${i}`, "aria-labelledby": `lib-t${i}` });
    if (box) {
      box.checked = (asked ?? shown.source_ids).includes(source.id);
      box.addEventListener("change", () => (asked ? this.#ask([source.id], box.checked) : this.#bar.put(shown, source, box.checked)));
    }
    const more = h("details", { class: "fold about", open }, h("summary", {}, t("about"), srOnly(`: ${source.title || source.id}`)),
      h("dl", {}, this.#facts(source).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      !box && shown && this.#bar.changes && button([t("collections.out", shown), srOnly(`: ${source.title || source.id}`)], () => this.#bar.put(shown, source, false), "plain out"),
      !this.#adding.root.hidden && button([t("remove.button"), srOnly(`: ${source.title || source.id}`)], () => this.#remove(source, i), "plain danger"));
    return h("li", { "data-id": source.id, class: [source.again && "again", !box && "whole"].filter(Boolean).join(" ") }, box, h("div", {},
      source.again && h("p", { class: "same-work" }, t("sameWork")),
      h("p", { class: "lib-title", id: `lib-t${i}` }, sourceTitle(source)),
      sourceMeta(source, [t("passages", { n: source.passages }), source.versions > 1 && h("span", { class: "changed" }, t("changed"))],
        source.kind === "digest" ? t("digestShort") : undefined), more));
  }

  #facts(source) {
    const titles = (ids) => ids.map((id) => this.#sources.find((s) => s.id === id)?.title).filter(Boolean);
    const same = this.#sources.filter((s) => s.work && s.work === source.work && s.id !== source.id).map((s) => s.title || s.id);
    const cited = titles(source.cited_by ?? []);
    return [
      source.kind === "digest" && [t("kindOf"), kindWord("digest")],
      source.authors?.length > 3 && [t("authors"), bdi(source.authors.join(t("and").comma))],
      !sourceHref(source) && source.url && [t("address"), bdi(source.url)],
      source.pages > 0 && [t("pages"), String(source.pages)],
      source.licence && [t("licence"), bdi(source.licence)],
      source.retrieved_at && [t("readOn"), shortTime(source.retrieved_at)],
      source.versions > 1 && [t("versions"), this.#versions(source)],
      same.length && [t("oneWork"), list(same)],
      cited.length && [t("citedBy"), list(cited)],
      this.#bar.all.length > 0 && [t("collections.member"), this.#memberships(source)],
      [t("sourceId"), h("code", {}, source.id)],
    ].filter(Boolean);
  }

  /** Each collection with a tick where the source is in it. */
  #memberships(source) {
    const held = this.#bar.all.filter((each) => each.source_ids.includes(source.id));
    if (!this.#bar.changes) return list(held.map(({ name }) => name));
    return this.#bar.all.map((each) => {
      const box = h("input", { type: "checkbox", "aria-label": `${each.name}: ${source.title || source.id}` });
      box.checked = held.includes(each);
      box.addEventListener("change", () => this.#bar.put(each, source, box.checked));
      return h("label", { class: "check" }, box, bdi(each.name));
    });
  }

  /** When its text changed: asked for when it is first looked at. */
  #versions(source) {
    const place = h("span", {}, t("versionsCount", { n: source.versions }));
    const look = async () => {
      const { versions } = await api(`/v1/sources/${encodeURIComponent(source.id)}`);
      const changes = versions.map((each) => each.replaced_at).filter(Boolean).map((at) => shortTime(at));
      place.replaceChildren(`${t("versionsCount", { n: versions.length })} ${t("changedOn", { dates: changes.join(t("and").comma) })}`);
    };
    place.addEventListener("look", () => look().catch(() => {}), { once: true });
    requestAnimationFrame(() => place.closest("details")?.addEventListener("toggle", () => place.dispatchEvent(new Event("look"))));
    return place;
  }

  async #remove(source, i) {
    if (!(await wantsRemoval(source))) return;
    try {
      await api(`/v1/sources/${encodeURIComponent(source.id)}`, { method: "DELETE" });
    } catch (error) {
      if (error.status !== 404) return void this.body.prepend(problemNote(error));
    }
    await this.load();
    (this.body.querySelectorAll("li > input")[Math.min(i, this.sources.length - 1)] ?? this.#dialog.querySelector("button"))?.focus();
    this.#adding.removed(source);
  }
}

/** The sources, texts of one work behind each other; `again` on all but the first. */
function works(sources) {
  const groups = Map.groupBy ? Map.groupBy(sources, (s) => s.work || s.id) : new Map(sources.map((s) => [s.id, [s]]));
  return [...groups.values()].flatMap((group) => group.map((source, i) => ({ ...source, again: i > 0 })));
}

const list = (names) => names.map((name) => h("div", {}, bdi(name)));

const searchable = ({ title, authors, venue, url, published, kind }) =>
  [title, ...(authors ?? []), venue, url, published, kindWord(kind)].join(" ").toLowerCase();

function unreadFold(unread) {
  if (!unread.length) return null;
  return h("details", { class: "fold unread" }, h("summary", {}, t("unread", { n: unread.length })),
    h("dl", { class: "job-items" }, unread.map((each) => [
      h("dt", {}, bdi(each.title || each.place)), h("dd", {}, bdi(reasonOf(each)), ` (${shortTime(each.tried_at)})`)])));
}
