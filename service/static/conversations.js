// The list of conversations, beside the page or as a sheet; searches, opens, renames and deletes them.

import { api } from "./api.js";
import { button, confirmed, heading, modal, problemNote, shortTime } from "./dialogs.js";
import { t } from "./i18n.js";
import { kept } from "./storage.js";
import { h, srOnly } from "./render.js";
import { address, wide } from "./route.js";

const PAGE = 30;
const LONGEST = 200; // characters of a title, and of a search
const PAUSE = 200; // ms without a key, before what was typed is searched
const path = (id) => `/v1/conversations/${encodeURIComponent(id)}`;

export class ConversationList {
  #desk;
  #say;
  #list = [];
  #next = null;
  #failure = null;
  #renaming = null;
  #query = ""; // what the list was asked for
  #asked = 0; // requests so far: an earlier one that comes late is dropped

  constructor(desk, say) {
    this.#desk = desk;
    this.#say = say;
    this.opener = document.getElementById("open-talks");
    this.aside = document.getElementById("talks-aside");
    this.sheet = modal(h("dialog", { class: "sheet", "aria-labelledby": "talks-title" }));
    document.body.append(this.sheet);
    this.sheet.addEventListener("close", () => this.place());
    wide.addEventListener("change", () => { this.sheet.close(); this.place(); });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.refresh(); });
  }

  get #seen() { return this.sheet.open || !this.aside.hidden; }

  refresh() { if (this.#seen && !this.#renaming) this.load(); }

  async #go(id) {
    this.sheet.close();
    await this.#desk.go(id);
    if (!id) document.getElementById("question").focus();
  }

  /** Whether the list came: false where that failed, or another was asked for meanwhile. */
  async load(more = false) {
    const asked = ++this.#asked;
    try {
      const size = more ? PAGE : Math.min(100, Math.max(PAGE, this.#list.length));
      const query = new URLSearchParams({ limit: size, ...(more && this.#next ? { cursor: this.#next } : {}),
        ...(this.#query ? { q: this.#query } : {}) });
      const page = await api(`/v1/conversations?${query}`);
      if (asked !== this.#asked) return false;
      const known = new Set(more ? this.#list.map(({ id }) => id) : []);
      this.#list = [...(more ? this.#list : []), ...page.conversations.filter(({ id }) => !known.has(id))];
      this.#next = page.next;
      this.#failure = null;
    } catch (error) {
      if (asked !== this.#asked) return false;
      this.#failure = error;
    }
    if (!this.#renaming) this.drawList(more);
    return !this.#failure;
  }

  toggle() {
    if (wide.matches) {
      kept.set("tenkyo.talks", this.aside.hidden ? "open" : "");
      this.place();
      (this.aside.querySelector("button") ?? this.opener).focus();
    } else {
      this.sheet.append(this.#panel(true));
      this.sheet.showModal();
      this.opener.setAttribute("aria-expanded", "true");
      this.load();
    }
  }

  /** The list into the place that the window has for it. */
  place() {
    const open = this.#desk.keepsList;
    this.aside.hidden = !open;
    document.body.classList.toggle("with-talks", open);
    this.opener.setAttribute("aria-expanded", String(open));
    this.sheet.replaceChildren();
    if (!open) this.aside.replaceChildren();
    else if (!this.aside.firstChild) {
      this.aside.append(this.#panel(false));
      this.load();
    }
  }

  #panel(inSheet) {
    this.list = h("ul", { class: "talks", role: "list" });
    this.foot = h("div", { class: "talks-foot" });
    const head = inSheet ? heading(this.sheet, "talks-title", t("talks.title"))
      : h("header", {}, h("h2", { id: "talks-title" }, t("talks.title")), button(t("talks.fold"), () => this.toggle()));
    this.count = h("p", { class: "sr", role: "status" });
    return h("div", { class: "panel" }, head, button(t("talks.fresh"), () => this.#go(null), "secondary new"),
      this.#searchField(), this.list, this.foot, this.count);
  }

  /** Filters while one types. The arrow keys go down into what was found, and back up. */
  #searchField() {
    const field = this.field = h("input", { type: "search", class: "talk-search", placeholder: t("talks.search"),
      "aria-label": t("talks.search"), autocomplete: "off", maxlength: LONGEST });
    field.value = this.#query;
    let waiting;
    const search = () => {
      clearTimeout(waiting);
      if (field.value.trim() === this.#query) return;
      this.#query = field.value.trim();
      this.#list = [];
      this.load().then((came) => { if (came) this.count.textContent = this.#query ? t("talks.found", { n: this.#list.length, more: this.#next }) : ""; });
    };
    field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, field.value ? PAUSE : 0); });
    field.addEventListener("keydown", (e) => {
      if (e.isComposing) return;
      if (e.key === "Enter") search();
      if (e.key === "Escape" && field.value) { // only the field is emptied: the sheet stays
        e.preventDefault();
        e.stopPropagation();
        field.value = "";
        search();
      }
    });
    const step = (e) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
      if (!by || e.isComposing || e.target.matches(".title-field")) return;
      const stops = [field, ...this.list.querySelectorAll("li > a")];
      const at = stops.findIndex((stop) => stop === e.target || stop.parentNode.contains(e.target) && stop !== field);
      const to = stops[at + by];
      if (at < 0 || !to) return;
      e.preventDefault();
      to.focus();
    };
    this.list.addEventListener("keydown", step);
    field.addEventListener("keydown", step);
    return field;
  }

  /** Everything anew, as when the language changes. */
  draw() {
    if (this.aside.hidden) return;
    this.aside.replaceChildren(this.#panel(false));
    this.drawList();
  }

  drawList(grown = false) {
    if (!this.list) return;
    const focused = document.activeElement;
    const had = this.list.contains(focused) && focused.closest("li")?.dataset.id;
    const part = [".rename", ".delete"].find((name) => focused?.matches(name));
    const before = this.list.children.length;
    this.field.hidden = !this.#list.length && !this.#query;
    this.list.replaceChildren(...this.#list.map((talk) => this.#row(talk)));
    this.foot.replaceChildren(
      this.#failure ? problemNote(this.#failure) : "",
      !this.#failure && !this.#list.length ? h("p", { class: "none" }, t(this.#query ? "talks.notFound" : "talks.none")) : "",
      this.#next ? button(t("talks.more"), () => this.load(true), "secondary") : "");
    if (had) this.#focus(had, part);
    else if (grown) this.list.children[before]?.querySelector("a").focus();
  }

  #focus(id, what = "a") {
    [...this.list.children].find((li) => li.dataset.id === id)?.querySelector(what)?.focus();
  }

  #row(talk) {
    const open = (e) => {
      if (e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return; // a tab or a window of its own
      e.preventDefault();
      this.#go(talk.id);
    };
    const name = () => srOnly(`: ${talk.title}`);
    const { found } = talk;
    const place = found && [found.before, h("mark", {}, found.match), found.after];
    return h("li", { "data-id": talk.id },
      h("a", { href: address(talk.id), "aria-current": talk.id === this.#desk.id ? "page" : null, onclick: open },
        h("bdi", { class: "talk-name", dir: "auto" }, found?.where === "title" ? place : talk.title),
        found && found.where !== "title" && h("bdi", { class: "talk-hit", dir: "auto" }, place),
        h("span", { class: "when" }, `${shortTime(talk.last_asked_at)} · ${t("talks.answers", { n: talk.answers })}`)),
      h("span", { class: "acts" },
        button([t("talks.rename"), name()], (e) => this.#rename(talk, e.currentTarget.closest("li")), "plain rename"),
        button([t("talks.delete"), name()], () => this.#delete(talk), "plain delete")));
  }

  /** In its place: Enter or leaving keeps the new title, Escape the old one. */
  #rename(talk, row) {
    const field = h("input", { class: "title-field", "aria-label": t("talks.newTitle"), maxlength: LONGEST });
    field.value = talk.title;
    this.#renaming = talk.id;
    let over = false;
    const end = async (keep) => {
      if (over) return;
      over = true;
      this.#renaming = null;
      if (keep && field.value.trim() !== talk.title) {
        try {
          Object.assign(talk, await api(path(talk.id), { method: "PATCH", json: { title: field.value } }));
          this.#failure = null;
          if (talk.id === this.#desk.id) this.#desk.title = talk.title;
          this.#desk.tell({ changed: talk.id });
        } catch (error) {
          this.#failure = error;
        }
      }
      this.drawList();
      this.#desk.drawBar();
      this.#focus(talk.id, ".rename");
    };
    field.addEventListener("keydown", (e) => {
      if (e.isComposing || (e.key !== "Enter" && e.key !== "Escape")) return;
      e.preventDefault(); // of Escape, that the sheet closes
      e.stopPropagation();
      end(e.key === "Enter");
    });
    field.addEventListener("blur", () => end(true));
    row.replaceChildren(field);
    field.select();
    field.focus();
  }

  async #delete(talk) {
    if (!(await confirmed(t("talks.deleteTitle"), talk.title, t("talks.deleteText", { n: talk.answers }), t("talks.delete")))) return;
    const at = this.#list.indexOf(talk);
    try {
      await api(path(talk.id), { method: "DELETE" });
    } catch (error) {
      if (error.status !== 404) { // another window was faster
        this.#failure = error;
        return this.drawList();
      }
    }
    this.#list = this.#list.filter(({ id }) => id !== talk.id);
    this.#desk.tell({ deleted: talk.id });
    this.#say(t("talks.deleted"));
    if (talk.id === this.#desk.id) await this.#desk.gone();
    this.drawList();
    (this.list.children[Math.min(at, this.#list.length - 1)]?.querySelector("a") ?? this.list.parentNode.querySelector("button")).focus();
  }
}
