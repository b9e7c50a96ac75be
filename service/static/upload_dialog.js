// Adding sources by file or address, inside the dialog of sources, with the progress of their jobs.

import { button, confirmed, problemNote } from "./dialogs.js";
import { number, t } from "./i18n.js";
import { hasEnded, Jobs } from "./jobs.js";
import { JobItems } from "./job_items.js";
import { bdi, h, srOnly } from "./render.js";

const LARGEST = 100_000_000; // bytes of a file that the API takes
const MOST = 100; // files at once

export class UploadDialog {
  #views = new Map(); // job id → its element
  #on;
  #begun = new Set();

  /** `on`: ended() when the library has changed, say(words), into(): the collection to add to. */
  constructor(on) {
    this.#on = on;
    this.root = h("section", { class: "adding", "aria-labelledby": "adding-title", hidden: true });
    this.list = h("div", { class: "jobs" });
    this.trouble = h("div", { class: "trouble" });
    this.live = h("p", { class: "sr", role: "status" }); // what is outside an open dialogue is not read out
    this.jobs = new Jobs((job) => this.#changed(job));
    this.draw();
  }

  set open(open) { this.root.hidden = !open; }

  /** Everything anew, as when the language changes; what was typed stays. */
  draw() {
    const typed = this.urls?.value ?? "";
    this.files = h("input", { type: "file", multiple: true, class: "sr", tabindex: "-1", "aria-hidden": "true",
      onchange: () => { this.send([...this.files.files]); this.files.value = ""; } });
    this.urls = h("textarea", { id: "add-url", rows: 1, placeholder: "https://…", autocomplete: "off", spellcheck: "false", enterkeyhint: "go",
      onkeydown: (e) => { if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); this.#read(); } } });
    this.urls.value = typed;
    this.into = h("p", { class: "into", hidden: true });
    this.papers = h("input", { type: "checkbox", id: "add-papers" });
    this.root.replaceChildren(
      h("h3", { id: "adding-title" }, t("add.title")), this.into,
      h("div", { class: "drop-here" },
        h("p", {}, t("add.drop")), button(t("add.choose"), () => this.files.click(), "secondary"), this.files),
      h("form", { class: "add-url", onsubmit: (e) => { e.preventDefault(); this.#read(); } },
        h("label", { for: "add-url" }, t("add.url")),
        h("div", { class: "add-row" }, this.urls, h("button", { class: "secondary" }, t("add.add"))),
        h("label", { class: "check" }, this.papers, " ", h("span", {}, t("add.papers")))),
      this.trouble, this.list, this.live);
    this.drawInto();
    this.#views.clear();
    this.list.replaceChildren(...this.jobs.list.map((job) => this.#view(job).root));
    this.#sign();
  }

  /** In which collection new documents go, if in one. */
  drawInto() {
    const name = this.#on.into();
    this.into.hidden = !name;
    this.into.textContent = name ? t("collections.into", { name }) : "";
  }

  /** Files that were dropped; of a folder they cannot be had. */
  take(files, folder) {
    if (folder) this.trouble.replaceChildren(problemNote({ title: t("add.folder") }));
    else this.send(files);
  }

  async send(files) {
    const large = files.filter((file) => file.size > LARGEST);
    const fit = files.filter((file) => file.size <= LARGEST).slice(0, MOST);
    this.trouble.replaceChildren(...large.map((file) => problemNote({ title: t("add.tooLarge"), detail: file.name })));
    if (files.length - large.length > MOST) this.trouble.append(problemNote({ title: t("add.tooMany", { most: MOST }) }));
    if (fit.length) await this.#try(() => this.jobs.send(fit, { collection: this.#on.into() }), true);
  }

  async #read() {
    const urls = this.urls.value.split(/\s+/).filter(Boolean);
    if (!urls.length) return this.urls.focus();
    if (await this.#try(() => this.jobs.read(urls, this.papers.checked, this.#on.into()))) this.urls.value = "";
  }

  #say(words) {
    if (this.root.closest("dialog")?.open) this.live.textContent = words;
    else this.#on.say(words);
  }

  removed(source) {
    this.#say(t("remove.done", { title: source.title || source.id }));
    this.#on.ended();
  }

  async #try(act, keep = false) {
    if (!keep) this.trouble.replaceChildren();
    const sending = h("p", { class: "job-state busy" }, t("add.sending"));
    this.trouble.append(sending);
    try {
      return await act();
    } catch (error) {
      this.trouble.append(problemNote(error));
    } finally {
      sending.remove();
    }
  }

  // --- What becomes of them ---

  #view(job) {
    if (!this.#views.has(job.id)) {
      this.#views.set(job.id, jobView(job, {
        cancel: () => this.#try(() => this.jobs.cancel(job)),
        dismiss: () => {
          this.#dismiss(job);
          this.root.querySelector("h3 ~ .drop-here button")?.focus();
        },
        unlock: (file, password) => this.#unlock(job, file, password),
      }));
    }
    return this.#views.get(job.id);
  }

  #dismiss(job) {
    this.jobs.dismiss(job);
    this.#views.get(job.id).root.remove();
  }

  /** Send a protected PDF again, with its password. The job of it takes the place of what failed. */
  async #unlock(job, file, password) {
    const again = await this.#try(() => this.jobs.send([file], { password, collection: this.#on.into() }));
    if (!again) return false;
    this.#view(again).root.focus();
    requestAnimationFrame(() => { if (hasEnded(job) && this.#view(job).empty) this.#dismiss(job); });
    return true;
  }

  #changed(job) {
    if (!this.jobs.list.includes(job)) return this.#sign(); // dismissed already
    const view = this.#view(job);
    if (!view.root.parentNode) this.list.prepend(view.root);
    view.update(this.jobs.away);
    this.#sign();
    if (!this.#begun.has(job.id)) {
      this.#begun.add(job.id);
      this.#say(`${t("add.begun")} ${jobName(job)}`);
    } else if (hasEnded(job) && !job.told) {
      job.told = true;
      this.#say(`${jobName(job)}: ${jobState(job)}`);
      this.#on.ended();
    }
  }

  /** The quiet sign on the button that opens the library. */
  #sign() {
    const { running } = this.jobs;
    const { documents = 0, of_documents: all = 0 } = running.at(-1)?.progress ?? {};
    const sign = document.getElementById("adding-sign");
    sign.hidden = !running.length;
    sign.replaceChildren(all > 1 ? `${documents}/${all}` : "", srOnly(running.length ? t("add.busy") : ""));
  }
}

function jobName({ asked }) {
  const names = [...(asked.files ?? []).map((file) => file.name), ...(asked.urls ?? [])];
  const [first = "", ...rest] = names;
  return t("add.name", { first, n: rest.length });
}

/** How far a job is, or how it ended, in a line. */
function jobState(job) {
  const p = job.progress;
  const counted = { n: number(p.documents), all: number(p.of_documents), passages: number(p.passages), failed: p.failed };
  if (job.status === "queued") return t("add.queued");
  if (job.status === "running") {
    if (p.step === "indexing") return t("add.indexing", { n: number(p.indexed), all: number(p.to_index) });
    return t(`add.${p.step}`, counted);
  }
  const state = t(`add.${job.status}`, { ...counted, read: p.documents - p.failed });
  if (p.failed && p.failed === p.documents) return state; // each says why, below
  const why = job.reason && (t(`add.why.${job.status}`) ?? job.reason); // in English the service says it better
  return job.status !== "done" && why ? `${state} ${why}` : state;
}

/** A job as an element that is changed in place: what has the focus keeps it. */
function jobView(job, on) {
  const bar = h("progress", { "aria-label": t("add.progress"), max: 1 });
  const state = h("p", { class: "job-state" });
  const items = new JobItems(job, on.unlock);
  const cancel = button([t("add.cancel"), srOnly(`: ${jobName(job)}`)], on.cancel);
  const dismiss = button([t("add.dismiss"), srOnly(`: ${jobName(job)}`)], on.dismiss);
  const root = h("div", { class: "job", tabindex: "-1" },
    h("p", { class: "job-name" }, bdi(jobName(job)), cancel, dismiss), bar, state, items.root);
  const update = (away) => {
    const p = job.progress;
    const [done, of] = { indexing: [p.indexed, p.to_index], comparing: [p.compared, p.to_compare] }[p.step] ?? [p.documents, p.of_documents];
    if (of && job.status === "running") bar.value = done / of;
    else bar.removeAttribute("value");
    const over = hasEnded(job);
    if (over && document.activeElement === cancel) { dismiss.hidden = false; dismiss.focus(); }
    bar.hidden = cancel.hidden = over;
    dismiss.hidden = !over;
    state.textContent = away && !over ? t("add.away") : jobState(job);
    root.classList.toggle("failed", job.status === "failed");
    items.update();
  };
  update(false);
  return { root, update, get empty() { return items.empty; } };
}

/** Ask, and then take a source out. True when it is gone. */
export const wantsRemoval = (source) =>
  confirmed(t("remove.title"), source.title || source.url || source.id, t("remove.text", source), t("remove.yes"));
