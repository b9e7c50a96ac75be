// Ingestion jobs: starts them, follows them by stream, finds them again after a reload. No DOM.

import { api } from "./api.js";
import { kept } from "./storage.js";

const KEY = "tenkyo.jobs"; // set while something of ours is being read
const ENDED = new Set(["done", "failed", "interrupted"]);

export const hasEnded = (job) => ENDED.has(job.status);

export class Jobs {
  #source = null; // the one stream: jobs are done one after the other, and connections are few
  #onChange;
  list = []; // newest first; each as the API gives it, its items by their places
  away = false; // the stream broke off, and is being taken up again

  /** `onChange(job)` after each change of one. */
  constructor(onChange) {
    this.#onChange = onChange;
    if (kept.get(KEY)) this.find().catch(() => {});
  }

  get running() { return this.list.filter((job) => !hasEnded(job)); }

  /** What is being read, whoever asked for it, and since when ever. */
  async find() {
    const { jobs } = await api("/v1/jobs?limit=100");
    const open = jobs.filter((job) => !hasEnded(job));
    if (!open.length) kept.set(KEY, "");
    for (const job of open.reverse()) this.#add(job);
  }

  /** `password` opens the protected PDFs among them; `collection` is the name of the one to put them in, if any. */
  async send(files, { password, collection } = {}) {
    const form = new FormData();
    if (collection) form.append("collection", collection);
    for (const file of files) form.append("files", file, file.name);
    if (password) form.append("password", password);
    const sent = new Map(files.map((file) => [file.name, file]));
    return this.#add({ ...await api("/v1/documents", { method: "POST", body: form }), sent });
  }

  async read(urls, papers, collection) {
    const json = { urls, ...(papers ? { follow: "papers" } : {}), ...(collection ? { collection } : {}) };
    return this.#add(await api("/v1/sources", { method: "POST", json }));
  }

  async cancel(job) {
    this.#take(job, await api(`/v1/jobs/${job.id}`, { method: "DELETE" }));
  }

  dismiss(job) {
    this.list = this.list.filter((other) => other !== job);
  }

  #add(job) {
    const known = this.list.find(({ id }) => id === job.id);
    if (known) { // found while its files were being sent, or sent while the list was being fetched
      known.sent = job.sent ?? known.sent;
      this.#onChange(known);
      return known;
    }
    job.items = new Map();
    this.list.unshift(job);
    kept.set(KEY, "1");
    this.#onChange(job);
    this.#follow();
    return job;
  }

  #take(job, now) {
    const { items = [], ...rest } = now;
    Object.assign(job, rest);
    for (const item of items) job.items.set(item.place, item);
    if (!this.running.length) kept.set(KEY, "");
    this.#onChange(job);
  }

  /** Listen to the oldest that has not ended; the browser takes a broken stream up by itself. */
  #follow() {
    const job = this.running.at(-1);
    if (this.#source || !job) return;
    const source = this.#source = new EventSource(`/v1/jobs/${job.id}`);
    const over = () => {
      source.close();
      this.#source = null;
      this.#follow();
    };
    const on = (name, act) => source.addEventListener(name, (e) => { this.away = false; act(JSON.parse(e.data)); });
    on("progress", (progress) => this.#take(job, { progress, status: hasEnded(job) ? job.status : "running" }));
    on("item", (item) => this.#take(job, { items: [item] }));
    on("job", (now) => { this.#take(job, now); over(); });
    source.addEventListener("open", () => { this.away = false; this.#onChange(job); });
    source.addEventListener("error", async () => {
      this.away = source.readyState !== EventSource.CLOSED;
      if (this.away) return this.#onChange(job);
      const now = await api(`/v1/jobs/${job.id}`).catch((error) => ({ status: "interrupted", reason: error.detail ?? error.title }));
      this.#take(job, now); // the stream had nothing more to say
      if (hasEnded(job)) over();
    });
  }
}
