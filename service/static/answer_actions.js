// The actions below an answer: copy and export it, rate it, ask a related question.

import { newKey } from "./answer_stream.js";
import { t } from "./i18n.js";
import { h, icon } from "./render.js";

const THUMB = [["path", { d: "M5.2 7.4 7.6 2.9c.9 0 1.6.7 1.5 1.6L8.8 6.6h3.5c.8 0 1.3.7 1.1 1.4l-1 4.1c-.1.5-.6.9-1.1.9H5.2zM2.7 7.4h2.5V13H2.7z" }]];

/** `turn` keeps what was asked for and said here, in `turn.after`, when the language changes. */
export function answerActions(turn, { ask, again, say, plain }) {
  const { id, mode } = turn.answer;
  turn.after ??= { rating: null, related: null };
  const url = (path) => `/v1/answers/${encodeURIComponent(id)}/${path}`;
  const cites = turn.claims.some((claim) => claim.citations.length);
  return [
    h("div", { class: "take" },
      again && h("button", { type: "button", class: "plain", title: t("answerAgainWhy"), onclick: again }, t("answerAgain")),
      navigator.clipboard && turn.claims.length > 0 && h("button", { type: "button", class: "plain", onclick: () => copy(url("export?format=markdown"), plain, say) }, t("copy")),
      turn.claims.length > 0 && h("a", { class: "plain", href: url("export?format=markdown"), download: "" }, "Markdown"),
      cites && h("a", { class: "plain", href: url("export?format=bibtex"), download: "" }, "BibTeX"),
      h("a", { class: "plain", href: url("receipt"), download: "", title: t("receiptWhy") }, t("receipt")),
      rating(turn, id, say)),
    // Not after an answer of the past: each suggestion is checked when it is asked for.
    !turn.options.past && (mode === "abstained" || turn.claims.length) ? related(turn, url("related"), ask) : null,
  ];
}

/** As Markdown with footnotes; what the page itself knows, where the server is not to be reached. */
async function copy(url, plain, say) {
  const made = fetch(url).then((response) => (response.ok ? response.text() : plain())).catch(plain);
  try {
    if (globalThis.ClipboardItem) { // some browsers let a page write only at the click itself: a promise is written
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": made.then((words) => new Blob([words], { type: "text/plain" })) })]);
    } else await navigator.clipboard.writeText(await made);
    say(t("copied"));
  } catch {
    say(t("notCopied"));
  }
}

function rating(turn, id, say) {
  const root = h("div", { class: "rating" });
  const send = async (rated, reason) => {
    turn.after.rating = rated;
    draw();
    root.querySelector(reason === "" ? "textarea" : "[aria-pressed=true]")?.focus();
    const sent = await fetch("/v1/feedback", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": newKey() },
      body: JSON.stringify({ answer_id: id, rating: rated, reason }),
    }).then((response) => response.ok, () => false);
    note.textContent = t(!sent ? "notRated" : reason ? "ratedWhy" : "rated");
    say(note.textContent);
  };
  const note = h("span", { class: "rating-note" });
  const thumb = (way) => h("button", { type: "button", class: `plain thumb ${way}`, "aria-pressed": String(turn.after.rating === way),
    "aria-label": t(way), title: t(way), onclick: () => send(way, "") }, icon(THUMB));
  const draw = () => {
    const now = turn.after.rating;
    const words = h("textarea", { rows: "1", maxlength: "2000", dir: "auto", "aria-label": t(`reasonFor.${now}`), placeholder: t(`reasonFor.${now}`) });
    root.replaceChildren(h("span", { class: "thumbs", role: "group", "aria-label": t("rate") }, note, thumb("up"), thumb("down")),
      now ? h("form", { class: "reason", onsubmit: (e) => {
        e.preventDefault();
        if (words.value.trim()) send(now, words.value.trim());
      } }, words, h("button", { class: "secondary" }, t("send"))) : "");
  };
  draw();
  return root;
}

function related(turn, url, ask) {
  const root = h("section", { class: "related", hidden: true });
  const draw = (questions) => {
    root.hidden = !questions.length;
    root.replaceChildren(h("h3", {}, t("related")), h("ul", { role: "list" }, questions.map((words) =>
      h("li", {}, h("button", { type: "button", class: "example", onclick: () => ask(words) }, words)))));
  };
  turn.after.related ??= fetch(url, { headers: { Accept: "application/json" } })
    .then((response) => (response.ok ? response.json() : {}))
    .then(({ questions }) => (Array.isArray(questions) ? questions.filter((words) => typeof words === "string") : []))
    .catch(() => []);
  turn.after.related.then(draw);
  return root;
}
