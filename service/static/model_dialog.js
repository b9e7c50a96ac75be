// The dialog that connects a language model: looks for servers, tries a model, and keeps the choice.

import "./i18n_models.js";
import { api } from "./api.js";
import { button, heading, modal, problemNote } from "./dialogs.js";
import { number, t } from "./i18n.js";
import { bdi, h, note } from "./render.js";

const SETTINGS = "TENKYO_LLM_URL=http://127.0.0.1:11434/v1\nTENKYO_LLM_MODEL=qwen2.5:7b\nTENKYO_LLM_KEY=…";
const SLOW = 5; // tokens a second; a sentence then takes more than five seconds

export class ModelDialog {
  #dialog;
  #on;
  #state = null;   // what GET /page/model said
  #running = null; // the AbortController of what is being done
  #server = null;  // {url, models}: the server whose models are offered
  #key = null;     // the key that was given for it; null: the one that is kept
  #live = h("div", { class: "working", role: "status" }); // stands where something was asked for
  #body = h("div", {});
  #found = h("div", {});
  #models = h("div", { class: "of-server" });

  /** `say(words)`; `changed()`: another model writes from now on. */
  constructor(dialog, on) {
    this.#dialog = modal(dialog);
    this.#on = on;
    dialog.addEventListener("close", () => this.#running?.abort());
    dialog.append(this.#body);
  }

  async open() {
    this.#forget();
    this.#body.replaceChildren(heading(this.#dialog, "model-title", t("connect.title")));
    if (!this.#dialog.open) this.#dialog.showModal();
    try {
      this.#state = await api("/page/model");
    } catch (error) {
      return void this.#body.append(problemNote(error));
    }
    this.draw();
  }

  #forget() {
    this.#server = this.#key = null;
    this.#found.replaceChildren();
    this.#models.replaceChildren();
    this.#live.replaceChildren();
  }

  draw() {
    if (!this.#state) return;
    const { model, hindrance, chosen } = this.#state;
    const where = this.#state.url && new URL(this.#state.url).host;
    this.#body.replaceChildren(
      heading(this.#dialog, "model-title", t("connect.title")),
      h("div", { class: "connected" },
        model ? [h("strong", {}, bdi(model)), where && [" ", bdi(where, "en")], ` ${t("connect.writes")}`] : t("connect.none"),
        chosen && [" ", button(t("connect.disconnect"), () => this.#disconnect())]),
      this.#live,
      ...(hindrance ? this.#explained(hindrance) : this.#form()));
  }

  #explained(hindrance) {
    return [h("p", {}, t(`connect.${hindrance}`)), hindrance === "elsewhere" && h("pre", { tabindex: "0", "aria-label": t("connect.variables") }, SETTINGS)].filter(Boolean);
  }

  #form() {
    const url = h("input", { type: "text", id: "model-url", inputmode: "url", class: "title-field", autocomplete: "off", spellcheck: "false", placeholder: "http://127.0.0.1:11434/v1" });
    const key = h("input", { type: "password", id: "model-key", class: "title-field", autocomplete: "off" });
    if (this.#state.chosen) url.value = this.#state.url;
    if (this.#state.has_key) key.placeholder = t("connect.keyKept");
    const list = (e) => {
      e.preventDefault();
      this.#list(url.value, key.value || (this.#state.has_key && url.value === this.#state.url ? null : ""), e.target);
    };
    return [
      h("section", {}, h("h3", {}, t("connect.here")), h("p", {}, t("connect.hereNote")),
        h("p", {}, button(t("connect.look"), () => this.#find(), "secondary")), this.#found),
      h("section", {}, h("h3", {}, t("connect.there")),
        h("form", { onsubmit: list },
          h("label", { for: "model-url" }, t("connect.url")), url,
          h("label", { for: "model-key" }, t("connect.key")), key,
          h("p", {}, h("button", { type: "submit", class: "secondary" }, t("connect.list"))))),
      this.#models,
    ];
  }

  // --- What is asked of the server, one thing at a time; the dialog can be used meanwhile ---

  /** Resolves with the reply; with null where it failed, and the dialog says why, or was cancelled. */
  async #do(doing, path, json, { place, method = "POST" }) {
    this.#running?.abort();
    place.append(this.#live);
    const mine = this.#running = new AbortController();
    const cancel = button(t("connect.cancel"), () => mine.abort());
    this.#live.replaceChildren(h("span", { class: "job-state busy" }, t(`connect.${doing}`)), " ", cancel);
    try {
      const reply = await api(path, { method, json, signal: mine.signal, headers: { "X-Tenkyo-Token": this.#state.token } });
      if (mine !== this.#running) return null;
      this.#live.replaceChildren();
      if (!reply.fault) return reply;
      this.#live.replaceChildren(note("failed", "", t(`connect.fault.${reply.fault}`, reply)));
    } catch (error) {
      if (mine === this.#running) this.#live.replaceChildren(...(mine.signal.aborted ? [] : [problemNote(error)]));
    }
    if (mine === this.#running) this.#live.firstChild?.scrollIntoView?.({ block: "nearest" });
    return null;
  }

  async #find() {
    const reply = await this.#do("looking", "/page/model/find", {}, { place: this.#found.parentNode });
    if (!reply) return;
    const rows = reply.servers.map((server) => {
      const locked = server.fault === "key wanted";
      const take = () => (locked ? this.#askForKey(server.url) : this.#offer(server, ""));
      const note = server.fault ? t(`connect.fault.${server.fault}`, server) : t("connect.has", { n: server.models.length });
      return h("li", {}, h("div", {}, h("p", { class: "lib-title" }, server.program, " ", h("span", { class: "when" }, new URL(server.url).host)), h("p", { class: "meta" }, note)),
        (!server.fault || locked) && button(t("connect.take"), take, "secondary", { "aria-label": `${t("connect.take")}: ${server.program}` }));
    });
    this.#found.replaceChildren(rows.length ? h("ul", { role: "list", class: "servers" }, rows) : h("p", { class: "none" }, t("connect.nothing")));
    const only = reply.servers.filter((server) => !server.fault);
    if (only.length === 1) this.#offer(only[0], "");
  }

  /** Of a server that was found: its address is known, its key is not. */
  #askForKey(url) {
    this.#dialog.querySelector("#model-url").value = url;
    const key = this.#dialog.querySelector("#model-key");
    key.value = "";
    key.focus();
    key.scrollIntoView({ block: "nearest" });
  }

  async #list(url, key, place) {
    const reply = await this.#do("listing", "/page/model/list", { url, key }, { place });
    if (reply) this.#offer(reply, key);
  }

  /** The models of a server, to be tried and connected. */
  #offer(server, key) {
    this.#server = server;
    this.#key = key;
    const pick = h("select", { id: "model-pick" }, server.models.map((name) => h("option", { value: name, selected: name === this.#state.model }, name)));
    const results = h("div", { class: "trial" });
    pick.addEventListener("change", () => results.replaceChildren());
    const local = /^https?:\/\/(127\.|localhost\b|\[::1\])/.test(server.url);
    this.#models.replaceChildren(h("section", {},
      h("h3", {}, t("connect.pick", { host: new URL(server.url).host })),
      h("p", { class: "make" }, h("label", { class: "sr", for: "model-pick" }, t("connect.model")), pick,
        button(t("connect.test"), () => this.#test(pick.value, results), "secondary"),
        button(t("connect.connect"), () => this.#connect(pick.value), "primary")),
      !local && h("p", { class: "meta" }, t("connect.sent", { host: new URL(server.url).host })),
      results));
    pick.focus();
    this.#models.scrollIntoView({ block: "nearest" });
  }

  #wanted(model) { return { url: this.#server.url, model, key: this.#key }; }

  async #test(model, results) {
    const wanted = this.#wanted(model);
    const place = results.parentNode;
    const reply = await this.#do("testing", "/page/model/try", wanted, { place });
    if (!reply) return;
    const fine = { first: number(reply.first, 1), rate: number(reply.rate) };
    const judging = h("dd", {}, button(t("connect.judge"), async () => {
      const judged = await this.#do("judging", "/page/model/judge", wanted, { place });
      if (judged) judging.textContent = judgement(judged);
    }), " ", h("span", { class: "when" }, t("connect.judgeNote")));
    results.replaceChildren(h("dl", {},
      h("dt", {}, t("connect.speed")), h("dd", {}, t(reply.rate < SLOW ? "connect.rateSlow" : "connect.rate", fine)),
      ["en", "ja"].map((lang) => [h("dt", {}, t(`connect.${lang}`)), h("dd", {}, t(reply.answers?.[lang] ? "connect.right" : "connect.wrong"))]),
      this.#state.judges && [h("dt", {}, t("connect.asJudge")), judging]));
    results.scrollIntoView({ block: "nearest" });
    this.#on.say(results.textContent);
  }

  async #connect(model) {
    const reply = await this.#do("connecting", "/page/model", this.#wanted(model), { place: this.#models.firstChild, method: "PUT" });
    if (reply) this.#become(reply, t("connect.done", { model: reply.model }));
  }

  async #disconnect() {
    const reply = await this.#do("connecting", "/page/model", undefined, { place: this.#body, method: "DELETE" });
    if (reply) this.#become(reply, t("connect.undone"));
  }

  #become(state, words) {
    this.#state = state;
    this.#forget();
    this.draw();
    this.#live.textContent = words;
    this.#dialog.querySelector("header button").focus();
    this.#on.changed();
  }
}

function judgement({ state, true_right: yes, false_right: no }) {
  if (state === "able" || state === "failed") return t(state === "able" ? "connect.judgeYes" : "connect.judgeNo", { yes, no });
  return t("connect.judgeUnknown");
}
