// The tooltip that shows a quote in its context, or a field of the catalogue, while its marker is hovered or focused.

import { t } from "./i18n.js";
import { bdi, catalogued, field, h } from "./render.js";
import { clipEnd, clipStart, flow, languageOf } from "./text.js";

const AROUND = 90; // characters of context on each side
const QUOTE = 1200; // characters of a quote: most windows of sentences are whole
const tip = h("div", { class: "tip", role: "tooltip", id: "tip", hidden: true });
document.querySelector("main").append(tip); // inside a landmark, for those who move by them

let owner = null;
let timer = 0;

function show(button, { label, source, citations }) {
  clearTimeout(timer);
  owner?.removeAttribute("aria-describedby");
  owner = button;
  tip.replaceChildren(
    h("p", { class: "tip-title" }, h("span", { class: "no" }, String(label)), bdi(source?.title ?? "", source?.language)),
    catalogued({ citations }) ? h("p", { class: "word" }, t("metadata")) : "",
    ...citations.map((c) => (c.metadata ? field(c) : h("p", { class: "tip-quote", dir: "auto", lang: source?.language || languageOf(c.quote) },
      flow(clipStart(c.before ?? "", AROUND)), h("mark", {}, flow(clipEnd(c.quote, QUOTE))), flow(clipEnd(c.after ?? "", AROUND))))));
  tip.hidden = false;
  button.setAttribute("aria-describedby", "tip");
  place(button);
}

/** Under the marker, or above it where there is more room; never outside the window, and not over
 *  the card beside the answer, which shows the same words in full. */
function place(button) {
  const at = button.getBoundingClientRect();
  const dock = document.querySelector(".dock").getBoundingClientRect();
  const floor = getComputedStyle(document.querySelector(".dock")).position === "sticky" ? Math.min(dock.top, innerHeight) : innerHeight;
  const width = tip.offsetWidth;
  const height = tip.offsetHeight;
  const below = at.bottom + 8;
  const top = below + height <= floor || at.top < height + 16 ? below : at.top - height - 8;
  const edge = Math.min(button.closest(".answer").getBoundingClientRect().right + 8, document.documentElement.clientWidth - 8);
  const left = Math.max(8, Math.min(at.left - 24, edge - width));
  tip.style.top = `${top + scrollY}px`;
  tip.style.left = `${left + scrollX}px`;
}

export function hideTip() {
  clearTimeout(timer);
  const was = !tip.hidden;
  tip.hidden = true;
  owner?.removeAttribute("aria-describedby");
  owner = null;
  return was;
}

const hideSoon = () => {
  clearTimeout(timer);
  timer = setTimeout(hideTip, 180); // time enough to move the pointer onto it
};
tip.addEventListener("pointerenter", () => clearTimeout(timer));
tip.addEventListener("pointerleave", hideSoon);
addEventListener("resize", hideTip);

/** Listeners for a marker; `content()` is asked when it is needed. */
export const tipHandlers = (content) => ({
  onpointerenter: (e) => e.pointerType !== "touch" && show(e.currentTarget, content()),
  onpointerleave: hideSoon,
  onfocus: (e) => e.currentTarget.matches(":focus-visible") && show(e.currentTarget, content()),
  onblur: hideTip,
});
