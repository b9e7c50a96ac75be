// The page's words in the reader's language, and numbers in the format of that language.

import { WORDS } from "./i18n_words.js";

/** More words, of modules that bring their own; those of a group join it. */
export function addWords(more) {
  for (const [name, words] of Object.entries(more)) {
    for (const [key, word] of Object.entries(words)) {
      WORDS[name][key] = typeof word === "object" ? { ...WORDS[name][key], ...word } : word;
    }
  }
}

const KEY = "tenkyo.language";
let current = remembered() ?? (/^ja\b/i.test(navigator.language ?? "") ? "ja" : "en");

function remembered() {
  try {
    const saved = localStorage.getItem(KEY);
    return Object.hasOwn(WORDS, saved ?? "") ? saved : null;
  } catch {
    return null; // storage can be forbidden; the browser's language decides then
  }
}

export const language = () => current;

export function switchLanguage() {
  current = current === "ja" ? "en" : "ja";
  try {
    localStorage.setItem(KEY, current);
  } catch { /* it will be forgotten, no more */ }
}

/** The words for a key ("verdict.partial"), with values filled in; undefined for an unknown key. */
export function t(key, values) {
  let entry = WORDS[current];
  for (const part of key.split(".")) entry = Object.hasOwn(entry ?? {}, part) ? entry[part] : undefined;
  return typeof entry === "function" ? entry(values) : entry;
}

export const number = (n, digits = 0) =>
  new Intl.NumberFormat(current, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(n);

/** Fill every element that names its words in the page's own markup. */
export function translatePage(root = document) {
  document.documentElement.lang = current;
  for (const el of root.querySelectorAll("[data-i18n]")) el.textContent = t(el.dataset.i18n);
  for (const el of root.querySelectorAll("[data-i18n-label]")) {
    el.setAttribute("aria-label", t(el.dataset.i18nLabel));
    if (el.title) el.title = t(el.dataset.i18nLabel);
  }
  for (const el of root.querySelectorAll("[data-i18n-placeholder]")) el.placeholder = t(el.dataset.i18nPlaceholder);
}
