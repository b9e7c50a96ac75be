// Helpers of the dialogs: closing by a click outside, confirming a deletion, drawing anew, errors, dates and times.

import { language, t } from "./i18n.js";
import { h, note } from "./render.js";

export function modal(dialog) {
  dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); }); // on the backdrop
  return dialog;
}

export const button = (words, onclick, kind = "plain", more = {}) =>
  h("button", { type: "button", class: kind, onclick, ...more }, words);

export const heading = (dialog, id, words) => h("header", {}, h("h2", { id }, words),
  button(t("close"), () => dialog.close(), "secondary", { autofocus: true }));

const CLICK_COMES_WITHIN = 100; // milliseconds after a finger is up
let pressed = false; // whether the mouse's button is down, or a finger on the screen
let presses = 0;
const waiting = new Set(); // what to draw once it is up

/** Draw what waits, unless the pointer is down again by then. */
function releaseIn(ms) {
  const press = presses;
  setTimeout(() => {
    if (press !== presses) return;
    const draws = [...waiting];
    pressed = false;
    waiting.clear();
    for (const draw of draws) draw();
  }, ms);
}
addEventListener("pointerdown", () => { pressed = true; presses += 1; }, true);
for (const end of ["pointerup", "pointercancel", "contextmenu"]) addEventListener(end, () => releaseIn(CLICK_COMES_WITHIN), true);
addEventListener("blur", () => releaseIn(0)); // of the window alone
// What a click changes is drawn at once, and only then what waits.
addEventListener("click", () => { pressed = false; releaseIn(0); }, true);

/** Draw what came meanwhile, but not under a pointer that is down: the click would be lost with what it was pressed on. */
export function whenReleased(draw) {
  if (pressed) waiting.add(draw);
  else draw();
}

/** Whether the reader wants it: a promise. `what` is a name that came from outside. */
export function confirmed(title, what, text, action) {
  const no = button(t("keep"), () => box.close(), "secondary", { autofocus: true });
  const yes = button(action, () => box.close("yes"), "primary danger");
  const box = modal(h("dialog", { class: "confirm", role: "alertdialog", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
    h("h2", { id: "confirm-title" }, title),
    what && h("p", { class: "what", dir: "auto" }, what),
    h("p", { id: "confirm-text" }, text),
    h("p", { class: "choices" }, no, yes)));
  document.body.append(box);
  box.showModal();
  return new Promise((resolve) => box.addEventListener("close", () => {
    box.remove();
    resolve(box.returnValue === "yes");
  }));
}

/** A problem where it happened, read out at once. */
export function problemNote(error) {
  const made = note("failed", error.title ?? t("failed"), error.detail ?? (error.title ? undefined : error.message));
  made.setAttribute("role", "alert");
  return made;
}

export function shortTime(iso, style = { dateStyle: "medium" }) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : new Intl.DateTimeFormat(language(), style).format(at);
}

export async function copied(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    return false; // the text can still be selected
  }
}
