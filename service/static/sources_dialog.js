// The dialog with the list of sources: choose which to search, see their metadata, add more.

import { wantsRemoval } from "./upload_dialog.js";
import { api } from "./api.js";
import { button, heading, modal, problemNote, shortTime } from "./dialogs.js";
import { t } from "./i18n.js";
import { bdi, h, kindWord, sourceMeta, sourceTitle, srOnly } from "./render.js";
import { sourceHref } from "./text.js";

const FILTER_FROM = 6; // sources; fewer are seen at a glance

export class SourcesDialog {
  #dialog;
  #adding;
  #onChange;
  #left = new Set(); // ids that are not to be searched
  #sources = null;
  #unread = [];
  #filter = "";
  #failure = null;

  /** `onChange()` when the choice changes. */
  constructor(dialog, adding, onChange) {
    this.#dialog = modal(dialog);
    this.#adding = adding;
    this.#onChange = onChange;
    this.body = h("div", {});
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
    if (!this.#sources) await this.load();
    this.#left = new Set(this.#sources?.map((s) => s.id).filter((id) => !stays(id)));
    this.draw();
    this.#onChange();
  }

  async open() {
    if (!this.#dialog.open) {
      this.draw();
      this.#dialog.showModal();
    }
    await this.load();
    if (!this.#adding.root.hidden) this.#adding.jobs.find().catch(() => {}); // another window may have begun some
  }

  /** Ask again what there is. */
  async load() {
    try {
      const { sources, unread = [], adds } = await api("/v1/sources");
      this.#sources = sources;
      this.#unread = unread;
      this.#failure = null;
      this.#adding.open = adds === true;
      const there = new Set(sources.map((source) => source.id));
      for (const id of this.#left) if (!there.has(id)) this.#left.delete(id);
    } catch (error) {
      this.#failure = { title: t("libraryFailed"), detail: error.title };
    }
    this.#fill();
    this.#onChange();
  }

  draw() {
    this.#dialog.replaceChildren(heading(this.#dialog, "library-title", t("libraryTitle")), this.#adding.root, this.body);
    this.#fill();
  }

  #fill() {
    const list = works(this.#sources ?? []);
    const digests = list.some(({ kind }) => kind === "digest");
    const words = this.#sources && !list.length ? t("libraryEmpty") : t("libraryNote", { digests });
    const open = new Set([...this.body.querySelectorAll("li:has(details[open])")].map((li) => li.dataset.id));
    const rows = list.map((source, i) => this.#row(source, i, open.has(source.id)));
    const tick = (on) => {
      for (const row of rows.filter((row) => !row.hidden)) {
        row.querySelector("input").checked = on;
        on ? this.#left.delete(row.dataset.id) : this.#left.add(row.dataset.id);
      }
      this.#onChange();
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
    const at = this.body.contains(document.activeElement) && document.activeElement.closest("li")?.dataset.id;
    this.body.replaceChildren(
      this.#failure ? problemNote(this.#failure) : "",
      h("div", { class: "library-bar" }, h("p", {}, words),
        list.length >= FILTER_FROM && filter,
        list.length > 1 && h("p", { class: "ticks" }, button(t("tickAll"), () => tick(true)), button(t("tickNone"), () => tick(false)))),
      h("ul", { role: "list" }, rows), nothing, unreadFold(this.#unread) ?? "");
    if (list.length >= FILTER_FROM) sift();
    if (typing) filter.focus();
    if (at) this.body.querySelector(`li[data-id="${CSS.escape(at)}"] > input`)?.focus();
  }

  #row(source, i, open) {
    const box = h("input", { type: "checkbox", id: `lib-${i}`, "aria-labelledby": `lib-t${i}` });
    box.checked = !this.#left.has(source.id);
    box.addEventListener("change", () => {
      box.checked ? this.#left.delete(source.id) : this.#left.add(source.id);
      this.#onChange();
    });
    const more = h("details", { class: "fold about", open }, h("summary", {}, t("about"), srOnly(`: ${source.title || source.id}`)),
      h("dl", {}, this.#facts(source).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      !this.#adding.root.hidden && button([t("remove.button"), srOnly(`: ${source.title || source.id}`)], () => this.#remove(source, i), "plain danger"));
    return h("li", { "data-id": source.id, class: source.again ? "again" : "" }, box, h("div", {},
      source.again && h("p", { class: "same-work" }, t("sameWork")),
      h("p", { class: "lib-title", id: `lib-t${i}` }, sourceTitle(source)),
      sourceMeta(source, [t("passages", { n: source.passages }), source.versions > 1 && h("span", { class: "changed" }, t("changed"))],
        source.kind === "digest" ? t("digestShort") : undefined), more));
  }

  #facts(source) {
    const titles = (ids) => ids.map((id) => this.#sources.find((s) => s.id === id)?.title).filter(Boolean);
    const list = (names) => names.map((name) => h("div", {}, bdi(name)));
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
      [t("sourceId"), h("code", {}, source.id)],
    ].filter(Boolean);
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
    (this.body.querySelectorAll("li > input")[Math.min(i, this.size - 1)] ?? this.#dialog.querySelector("button"))?.focus();
    this.#adding.removed(source);
  }
}

/** The sources, texts of one work behind each other; `again` on all but the first. */
function works(sources) {
  const groups = Map.groupBy ? Map.groupBy(sources, (s) => s.work || s.id) : new Map(sources.map((s) => [s.id, [s]]));
  return [...groups.values()].flatMap((group) => group.map((source, i) => ({ ...source, again: i > 0 })));
}

const searchable = ({ title, authors, venue, url, published, kind }) =>
  [title, ...(authors ?? []), venue, url, published, kindWord(kind)].join(" ").toLowerCase();

function unreadFold(unread) {
  if (!unread.length) return null;
  return h("details", { class: "fold unread" }, h("summary", {}, t("unread", { n: unread.length })),
    h("dl", { class: "job-items" }, unread.map(({ place, title, reason, tried_at: at }) => [
      h("dt", {}, bdi(title || place)), h("dd", {}, bdi(reason), ` (${shortTime(at)})`)])));
}
