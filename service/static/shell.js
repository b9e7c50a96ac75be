// The frame around the answers: the open conversation, files dropped on the page, and the buttons that
// open the rest (lazy.js), which is loaded when one of them is first used.

import { api } from "./api.js";
import { t } from "./i18n.js";
import { kept } from "./storage.js";
import { bdi, h } from "./render.js";
import "./theme_switch.js";
import { address, isBeginning, named, token, wide } from "./route.js";

const $ = (id) => document.getElementById(id);

export class Shell {
  #on;
  #parts = null;
  #loading = null;
  #channel = globalThis.BroadcastChannel && new BroadcastChannel("tenkyo.talks");
  id = null; // of the conversation on the page
  title = "";

  /** `on`: show(answers), clear(problem), leave(): a promise that nothing runs, say(words),
   *  status(key), changed(): the library, connected(): another model, or none; scope: where is asked. */
  constructor(on) {
    this.#on = on;
    document.body.classList.toggle("reading", Boolean(token));
    document.body.classList.toggle("with-talks", this.keepsList);
    $("talks-aside").hidden = !this.keepsList;
    for (const id of ["open-library", "add-first"]) $(id).addEventListener("click", () => this.with(({ library }) => library.open()));
    $("open-talks").addEventListener("click", () => this.with(({ list }) => list.toggle()));
    if (token) return;
    addEventListener("popstate", () => {
      if (named() !== this.id) this.#arrive(); // not for a mere #fragment
      this.#on.scope.arrive();
    });
    if (this.#channel) this.#channel.onmessage = ({ data }) => this.#heard(data);
    this.#takeDrops();
  }

  /** Whether the list stays open beside the page. */
  get keepsList() { return !token && wide.matches && kept.get("tenkyo.talks") === "open"; }

  get library() { return this.#parts?.library; }

  /** At the start: the shared conversation, or the one that the address names; what runs, what was left open. */
  start() {
    if (token) return this.with(({ shared }) => shared.read().then(this.#on.show));
    if (kept.get("tenkyo.jobs") || this.keepsList) this.with(({ list }) => list.place());
    return named() ? this.#arrive() : null;
  }

  /** Everything anew, as when the language changes. */
  draw() {
    this.drawBar();
    for (const part of Object.values(this.#parts ?? {})) part.draw?.();
  }

  // --- What is loaded later ---

  /** `act` on the parts, as soon as they are there. */
  async with(act) {
    try {
      this.#loading ??= Promise.all([import("./lazy.js"), style("/static/more.css"), style("/static/collections.css")]).then(([more]) => this.#make(more));
      this.#parts = await this.#loading;
    } catch (error) {
      this.#loading = null;
      console.error(error);
      return this.#on.status("unreachable");
    }
    return act(this.#parts);
  }

  #make({ UploadDialog, SourcesDialog, CollectionsBar, ScopeMenu, SharedView, ShareDialog, ConversationList, ModelDialog }) {
    const { say, changed, connected, scope } = this.#on;
    if (token) return { shared: new SharedView(token, $("intro")) };
    const adding = new UploadDialog({ say, into: () => scope.collection, ended: () => { library.load(); changed(); } });
    const library = new SourcesDialog($("library"), adding, new CollectionsBar(scope, say), scope);
    return { adding, library, menu: new ScopeMenu(scope, library), list: new ConversationList(this, say), sharing: new ShareDialog($("share")),
      model: new ModelDialog($("model"), { say, changed: connected }) };
  }

  // --- The conversation ---

  /** An answer came: from now on the address names its conversation. */
  answered({ conversation_id: id, question }) {
    if (id !== this.id) {
      this.id = id;
      this.title = "";
      history.pushState(null, "", address(id));
      this.#learnTitle(id, question);
    }
    this.drawBar();
    this.tell({ changed: id });
  }

  /** The title that a new conversation was given, as the list has it; several, for other windows ask too. */
  async #learnTitle(id, question) {
    const found = await api("/v1/conversations?limit=5").catch(() => null); // a courtesy
    const title = found?.conversations.find((talk) => talk.id === id)?.title ?? "";
    if (id !== this.id || this.title || isBeginning(title, question)) return;
    this.title = title;
    this.drawBar();
  }

  /** Another conversation, or with null a new one. */
  go(id) {
    if (id !== this.id || location.search) history.pushState(null, "", address(id, this.#on.scope.collection));
    return this.#arrive();
  }

  /** The one on the page was deleted here. */
  gone() {
    history.replaceState(null, "", "/");
    return this.#arrive();
  }

  async #arrive() {
    const id = named();
    await this.#on.leave();
    if (id !== named()) return; // gone on meanwhile
    let found = null;
    let problem;
    try {
      if (id) found = await api(`/v1/conversations/${encodeURIComponent(id)}`);
    } catch (error) {
      problem = error.status === 404 ? { title: t("problems.no_conversation") } : error;
    }
    if (id !== named()) return;
    this.id = found?.id ?? null;
    this.title = found && !isBeginning(found.title, found.answers[0]?.question) ? found.title : "";
    if (problem) history.replaceState(null, "", "/");
    if (found) this.#on.show(found.answers);
    else this.#on.clear(problem);
    this.drawBar();
    this.#parts?.list.drawList();
  }

  /** It is kept no more: what is on the page stays, and the next question begins anew. */
  lost() {
    this.id = null;
    history.replaceState(null, "", "/");
    this.drawBar(t("talks.lost"));
  }

  /** This window's list, and other windows. */
  tell(what) {
    this.#channel?.postMessage(what);
    this.#parts?.list.refresh();
  }

  #heard({ deleted }) {
    if (deleted && deleted === this.id) this.lost();
    this.#parts?.list.refresh();
  }

  drawBar(lost) {
    const bar = $("talk-bar");
    bar.hidden = !this.id && !lost;
    const act = (words, onclick, kind = "") => h("button", { type: "button", class: `plain ${kind}`, onclick }, words);
    bar.replaceChildren(h("p", { class: lost ? "lost" : "talk-title", role: lost && "status" }, lost || (this.title && bdi(this.title))),
      this.id ? act(t("share.button"), () => this.with(({ sharing }) => sharing.open(this.id))) : "",
      act(t("talks.fresh"), () => this.go(null), "fresh-start"));
    if (this.id && this.title) document.title = `${this.title} – Tenkyo`;
  }

  // --- Files that are dropped anywhere ---

  #takeDrops() {
    const veil = h("div", { class: "veil", hidden: true, "aria-hidden": "true" }, h("p", {}));
    document.body.append(veil);
    let depth = 0;
    const show = (on) => {
      if (!on) depth = 0;
      veil.hidden = !on;
      veil.firstChild.textContent = t("add.dropNow");
      (document.querySelector("dialog[open]") ?? document.body).append(veil); // over what is on top
    };
    const listen = (name, act) => addEventListener(name, (e) => {
      if (![...(e.dataTransfer?.types ?? [])].includes("Files")) return;
      e.preventDefault(); // else the browser would leave for the file
      act(e.dataTransfer);
    });
    listen("dragenter", () => { depth++; show(true); });
    listen("dragleave", () => { if (--depth <= 0) show(false); });
    listen("dragover", () => {});
    listen("drop", ({ items, files }) => {
      show(false);
      const folder = [...items].some((item) => item.webkitGetAsEntry?.()?.isDirectory);
      const dropped = [...files];
      this.with(async ({ library, adding }) => { await library.open(); adding.take(dropped, folder); });
    });
  }
}

const style = (href) => new Promise((resolve, reject) => {
  const link = h("link", { rel: "stylesheet", href, onload: resolve, onerror: () => { link.remove(); reject(new Error(href)); } });
  document.head.append(link);
});
