// The dialog to share a conversation by a link, or to download it as a file.

import { api } from "./api.js";
import { button, confirmed, copied, heading, modal, problemNote, shortTime } from "./dialogs.js";
import { t } from "./i18n.js";
import { h, srOnly } from "./render.js";

const DAY = 86_400; // seconds
const TERMS = [0, 1, 7, 30]; // days; 0: without an end

export class ShareDialog {
  #dialog;
  #live = h("p", { class: "sr", role: "status" }); // what is outside an open dialogue is not read out
  #body = h("div", {});
  #id = null;
  #links = null;

  constructor(dialog) {
    this.#dialog = modal(dialog);
    dialog.append(this.#body, this.#live);
  }

  #say(words) { this.#live.textContent = words; }

  open(id) {
    this.#id = id;
    this.#links = null;
    this.#say("");
    this.#draw();
    this.#dialog.showModal();
    return this.#try(() => null);
  }

  get #path() { return `/v1/conversations/${encodeURIComponent(this.#id)}`; }

  async #try(act) {
    let failure;
    try {
      await act();
      this.#links = (await api(`${this.#path}/shares`)).shares;
    } catch (error) {
      failure = error;
    }
    this.#draw(failure);
  }

  #draw(failure) {
    const now = Date.now();
    const open = (this.#links ?? []).filter((link) => !link.revoked_at && !(Date.parse(link.expires_at) <= now));
    const term = h("select", { id: "share-term" }, TERMS.map((days) => h("option", { value: days }, t("share.term", { days }))));
    const make = async () => {
      await this.#try(() => api(`${this.#path}/share`, { method: "POST", json: term.value > 0 ? { expires_in: term.value * DAY } : {} }));
      this.#dialog.querySelector(".links button")?.focus();
      this.#say(t("share.made"));
    };
    const files = [["markdown", t("share.markdown")], ["bibtex", "BibTeX"]];
    this.#body.replaceChildren(
      heading(this.#dialog, "share-title", t("share.title")),
      failure ? problemNote(failure) : "",
      h("section", {},
        h("p", {}, t("share.note")),
        h("p", { class: "make" }, h("label", { for: "share-term" }, t("share.until")), " ", term, button(t("share.make"), make, "primary")),
        h("ul", { class: "links", role: "list" }, open.map((link) => this.#row(link)))),
      h("section", {},
        h("h3", {}, t("share.take")),
        h("p", { class: "files" }, files.map(([format, words]) =>
          h("a", { href: `${this.#path}/export?format=${format}`, download: true }, words)))));
  }

  #row(link) {
    const url = `${location.origin}/shared/${link.token}`;
    const field = h("input", { readonly: true, "aria-label": t("share.link"), class: "link", onfocus: (e) => e.target.select() });
    field.value = url;
    const copy = async () => {
      if (await copied(url)) this.#say(t("copied"));
      else field.focus();
      say.textContent = t("copied");
    };
    const say = h("span", { class: "when" }, `${t("talks.answers", { n: link.answers })} · ${shortTime(link.created_at)} · `
      + (link.expires_at ? t("share.ends", { date: shortTime(link.expires_at) }) : t("share.noEnd")));
    const revoke = async () => {
      if (!(await confirmed(t("share.revokeTitle"), "", t("share.revokeText"), t("share.revoke")))) return;
      await this.#try(() => api(`${this.#path}/shares/${encodeURIComponent(link.token)}`, { method: "DELETE" }));
      this.#dialog.querySelector(".make button").focus();
      this.#say(t("share.revoked"));
    };
    return h("li", {}, field,
      button([t("share.copy"), srOnly(` ${shortTime(link.created_at)}`)], copy, "secondary"),
      button([t("share.revoke"), srOnly(` ${shortTime(link.created_at)}`)], revoke, "plain danger"), say);
  }
}
