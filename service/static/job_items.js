// What became of each document of an ingestion job, and the field for the password of a protected PDF.

import { button } from "./dialogs.js";
import { t } from "./i18n.js";
import { bdi, h, srOnly } from "./render.js";

const SHOWN = 200; // documents of a job that are listed
const LOCKED = new Set(["password", "wrong password"]);

/** What `reason` says of a document in the page's words, by its codes; as it stands where the page has none. */
export function reasonOf({ problem, remarks = [], reason }) {
  const words = remarks.map(({ code, pages }) => t(`remark.${code}`, { pages }));
  if (problem) words.unshift(t(`notRead.${problem}`));
  return words.length && words.every(Boolean) ? words.join("") : reason;
}

/** The rows of a job, changed in place: what is typed into them stays.
 *  `unlock(file, password)` sends a file again; it resolves once that is done or has failed. */
export class JobItems {
  #job;
  #unlock;
  #forms = new Map(); // place → the form for its password
  #done = new Set(); // places of files that were sent again: another job tells of them
  root = h("dl", { class: "job-items" });

  constructor(job, unlock) {
    this.#job = job;
    this.#unlock = unlock;
  }

  /** Whether nothing is left to tell here. */
  get empty() { return !this.root.firstChild; }

  update() {
    const known = [...this.#job.items.values()];
    const refused = (this.#job.asked.files ?? []).filter((file) => file.reason && !this.#job.items.has(file.name))
      .map((file) => ({ ...file, place: file.name, outcome: "failed" }));
    const failed = [...refused, ...known.filter((item) => item.outcome === "failed")];
    const rows = [...failed, ...known.filter((item) => item.outcome !== "failed")].filter(({ place }) => !this.#done.has(place));
    const focused = this.root.contains(document.activeElement) && document.activeElement;
    this.root.replaceChildren(...rows.slice(0, SHOWN).flatMap((item) => this.#row(item)));
    if (focused?.isConnected) focused.focus();
  }

  #row(item) {
    const { place, title, outcome, passages, problem } = item;
    const bad = outcome === "failed";
    const why = (bad && !problem && t("notRead.other")) || reasonOf(item);
    const facts = [passages ? t("passages", { n: passages }) : "", why].filter(Boolean);
    const words = h("span", { class: `word ${bad ? "contradicted" : ""}` }, t(`outcome.${outcome}`) ?? outcome);
    return [
      h("dt", { class: outcome }, bdi(title || place)),
      h("dd", {}, words, facts.map((fact) => [" · ", bdi(fact)]), bad && LOCKED.has(problem) && this.#form(item)),
    ];
  }

  /** To open a protected PDF; a file that this window does not have any more must be chosen again. */
  #form({ place }) {
    const file = this.#job.sent?.get(place);
    if (!file) return this.#job.kind === "documents" && h("p", { class: "hint-again" }, t("unlock.again"));
    if (!this.#forms.has(place)) this.#forms.set(place, this.#passwordForm(place, file));
    return this.#forms.get(place);
  }

  #passwordForm(place, file) {
    const field = h("input", { type: "password", class: "password", autocomplete: "off", required: true });
    const open = button(t("unlock.open"), null, "secondary", { type: "submit" });
    const submit = async (e) => {
      e.preventDefault();
      open.disabled = true;
      if (await this.#unlock(file, field.value)) {
        this.#done.add(place);
        this.update();
      }
      open.disabled = false;
    };
    return h("form", { class: "unlock", onsubmit: submit },
      h("label", {}, h("span", {}, t("unlock.label"), srOnly(`: ${place}`)), field), open);
  }
}
