// The pane beside the answer with the text of a source, opened at the quote, and its metadata.

import { addWords, language, t } from "./i18n.js";
import { bdi, field, h, link, sourceMeta, sourceTitle } from "./render.js";
import * as text from "./text.js";

addWords({
  en: {
    sourceText: "Text of the source",
    quotes: "Quotes of this answer",
    quoteAt: ({ n, all, sentence }) => `Quote ${all > 1 ? `${n} of ${all}, ` : ""}for sentence ${sentence}`,
    previous: "Previous",
    next: "Next",
    digestWhy: "This is our own digest of the work, which could not be fetched. The words below are ours, not its author's.",
    byOcr: "This page was read by OCR and may contain errors. Check the original.",
    changedSince: ({ date }) => `The source has changed since it was read. This is the text as read${date ? ` on ${date}` : ""}.`,
    sourceGone: "This source is no longer in the library. Only the passages read at the time are shown.",
    sourceUnreached: "The full text could not be loaded. Only the passages read for this answer are shown; open the source again to retry.",
    openFile: "Download the file",
    pageGone: "The file of this source was not kept, so its pages cannot be shown. Add it again to see them.",
  },
  ja: {
    sourceText: "資料の本文",
    quotes: "この答えの引用",
    quoteAt: ({ n, all, sentence }) => `引用${all > 1 ? ` ${n}／${all}` : ""}（第${sentence}文）`,
    previous: "前へ",
    next: "次へ",
    digestWhy: "取得できなかった著作を Tenkyo がまとめた要約です。下の文は著作そのものの文ではありません。",
    byOcr: "このページは文字認識で読み取りました。誤りがあるかもしれません。原文も確かめてください。",
    changedSince: ({ date }) => `この資料は、読み込んだ後に変更されています。これは読み込んだ時点${date ? `（${date}）` : ""}の本文です。`,
    sourceGone: "この資料はライブラリから削除されました。答えの作成時に読んだ箇所だけを示します。",
    sourceUnreached: "全文を読み込めませんでした。答えの作成時に読んだ箇所だけを示します。開き直すと、もう一度試します。",
    openFile: "ファイルをダウンロード",
    pageGone: "元のファイルが保存されていないため、ページを表示できません。もう一度追加すると表示できます。",
  },
});

const STEP = 16; // paragraphs added at a time
const LONGEST = 3000; // UTF-16 units of a paragraph that has no end
const KEPT = 6; // texts that stay in memory
const wide = matchMedia("(min-width: 66rem)"); // beside the answer; else a sheet over it
const held = new Map();

/**
 * One pane for the page. A stop is {evidence, citation, claim, number}: a passage that was read, the
 * quote in it (null: the passage alone), the index of the sentence that it is cited for, and the
 * number of its source, if it has one. One with `fields`, citations of the catalogue, shows these above the text, in which nothing is marked.
 */
export class SourcePane {
  #pane;
  #opener = null;
  #stops = [];
  #at = 0;
  #turn = 0; // counts what was opened: a reply that comes late is not shown
  #more = null;
  #shown = () => {};
  #text;
  #notes;

  constructor(pane) {
    this.#pane = pane;
    pane.addEventListener("close", () => this.#closed());
    pane.addEventListener("cancel", (e) => { e.preventDefault(); this.close(); });
    wide.addEventListener("change", () => this.close());
  }

  get isOpen() { return this.#pane.open; }

  /** `shown(stop)` is told which one is open, and null at the end; `opener` gets the focus back. */
  open(stops, at, opener, shown = () => {}) {
    this.#stops = stops;
    this.#opener = opener;
    this.#shown = shown;
    if (!this.#pane.open) {
      wide.matches ? this.#pane.show() : this.#pane.showModal();
      this.#beside(wide.matches);
    }
    this.#go(at);
  }

  close() {
    if (!this.#pane.open) return;
    const inside = this.#pane.contains(document.activeElement);
    this.#pane.close();
    this.#beside(false);
    if (inside) this.#opener?.focus({ preventScroll: true }); // not where the reader is elsewhere already
  }

  /** In the other language, where it stands. */
  redraw() {
    if (this.#pane.open) this.#go(this.#at);
  }

  #closed() {
    if (this.#pane.open) return; // again already: the event comes after
    this.#turn++;
    this.#more?.disconnect();
    this.#pane.replaceChildren();
    this.#beside(false);
    this.#shown(null);
  }

  /** What lies under the pane must not take the focus. */
  #beside(on) {
    document.body.classList.toggle("beside", on);
    for (const el of document.querySelectorAll(".side, .tools")) el.inert = on;
  }

  #go(at) {
    this.#at = at;
    const stop = this.#stops[at];
    this.#text = h("div", { class: "reader-text", tabindex: "0", role: "group", "aria-label": t("sourceText"), dir: "auto",
      lang: stop.evidence.source.language || text.languageOf(stop.evidence.passage.text) });
    this.#notes = h("div", { class: "reader-notes" });
    this.#pane.classList.toggle("bare", Boolean(stop.fields));
    this.#pane.replaceChildren(this.#head(stop), this.#text);
    if (stop.fields) this.#notes.append(h("div", { class: "fields" }, h("p", { class: "word" }, t("metadata")), stop.fields.map(field)));
    this.#note(stop.evidence.source.kind === "digest" && t("digestWhy"));
    this.#excerpt(stop);
    this.#shown(stop);
    this.#focus();
    this.#fill(stop, ++this.#turn);
  }

  #head({ evidence, citation, claim, number }) {
    const { source, passage } = evidence;
    const page = citation?.page ?? passage.page;
    const under = text.headingBelow(source.title, passage.heading);
    const last = this.#stops.length - 1;
    const turn = (key, to) => h("button", { type: "button", class: "plain", disabled: to < 0 || to > last, onclick: () => this.#go(to) }, t(key));
    return h("div", { class: "reader-head" },
      h("div", { class: "reader-bar" },
        last > 0 && h("nav", { "aria-label": t("quotes") }, turn("previous", this.#at - 1), turn("next", this.#at + 1)),
        h("span", { class: "reader-at" }, citation && t("quoteAt", { n: this.#at + 1, all: last + 1, sentence: claim + 1 })),
        h("button", { type: "button", class: "secondary", onclick: () => this.close() }, t("close"))),
      h("h2", { id: "reader-title" }, number && h("span", { class: "no" }, String(number)), " ", sourceTitle(source)),
      sourceMeta(source, [languageName(source.language), source.licence && bdi(source.licence)], source.kind === "digest" ? t("digestShort") : undefined),
      (page || under) && h("p", { class: "meta" }, page && h("span", { class: "page-of" }, t("page", { page }), under && " · "), under && bdi(under)),
      this.#notes,
      outLink(source, citation?.quote, page));
  }

  #note(words, ...more) {
    if (words) this.#notes.append(h("p", {}, words, more));
  }

  /** The quote between what came with it: there at once, and all there is where the source is gone. */
  #excerpt({ evidence, citation }) {
    const quote = citation?.quote ?? evidence.passage.text;
    this.#text.replaceChildren(h("p", {}, text.flow(text.clipStart(citation?.before ?? "", 600)),
      h("mark", { class: "lit", tabindex: "-1" }, text.flow(quote)), text.flow(text.clipEnd(citation?.after ?? "", 600))));
  }

  async #fill(stop, turn) {
    const { source, passage } = stop.evidence;
    try {
      const found = await get(`/v1/passages/${encodeURIComponent(stop.citation?.passage_id ?? passage.id)}`);
      if (turn !== this.#turn) return;
      if (found.ocr) this.#note(t("byOcr"));
      const version = found.source?.version; // the text that was read, whatever the source says now
      if (found.current === false) this.#note(t("changedSince", { date: text.shortDate(found.source?.retrieved_at, language()) }));
      if (found.page_image === "gone") this.#note(t("pageGone"));
      if (found.page_image === "yes" && !stop.fields) this.#page(stop, found);
      const whole = await kept(`/v1/sources/${encodeURIComponent(source.id)}${version ? `?version=${encodeURIComponent(version)}` : ""}`);
      if (turn === this.#turn && typeof whole.text === "string") this.#whole(whole.text, stop, found);
    } catch (error) {
      if (turn === this.#turn) this.#note(t(error.status === 404 ? "sourceGone" : "sourceUnreached"));
    }
  }

  /** The page as it is printed, beside the text; without it, the text is there. */
  async #page({ evidence, citation }, passage) {
    const { start, end } = citation ?? passage;
    const page = citation?.page ?? passage.page ?? 1;
    const of = { source: evidence.source, version: passage.source?.version, page, start, end };
    const text = this.#text;
    try {
      const { offerPage } = await import("./page_view.js");
      await offerPage(this.#pane, text, of, (words) => text.isConnected && this.#note(words));
    } catch (error) {
      console.warn(error);
    }
  }

  /** The whole text, from the quote outwards as far as it is scrolled. */
  #whole(whole, stop, passage) {
    const spans = [];
    for (const each of this.#stops) {
      const span = each.evidence.source.id === stop.evidence.source.id && spanOf(whole, each.citation ?? passage);
      if (span) spans.push({ ...span, lit: each === stop });
    }
    const lit = spans.find((span) => span.lit);
    if (!lit) return; // other words than were read: the excerpt stands
    const blocks = paragraphs(whole, new Set(passage.heading?.split(" › ")));
    const here = blocks.findIndex((block) => block.end > lit.start);
    let [from, to] = [Math.max(0, here - 5), Math.min(blocks.length, here + STEP)];
    const drawn = (a, b) => blocks.slice(a, b).map((block) => paragraph(whole, block, spans));
    const [top, bottom] = [h("div", { class: "edge" }), h("div", { class: "edge" })];
    const region = this.#text;
    const had = region.contains(document.activeElement);
    region.replaceChildren(top, ...drawn(from, to), bottom);
    this.#focus(had);
    this.#more?.disconnect();
    this.#more = new IntersectionObserver((seen) => {
      for (const { target, isIntersecting } of seen) {
        if (!isIntersecting) continue;
        if (target === bottom && to < blocks.length) bottom.before(...drawn(to, to = Math.min(blocks.length, to + STEP)));
        else if (target === top && from > 0) {
          const height = region.scrollHeight;
          top.after(...drawn(Math.max(0, from - STEP), from));
          from = Math.max(0, from - STEP);
          region.scrollTop += region.scrollHeight - height; // what is being read stays where it is
        } else continue;
        this.#more.unobserve(target); // looked at afresh, it may be in view still
        this.#more.observe(target);
      }
    }, { root: region, rootMargin: "500px 0px" });
    this.#more.observe(top);
    this.#more.observe(bottom);
  }

  #focus(take = true) {
    const mark = this.#text.querySelector("mark.lit");
    if (this.#text.hidden) return; // the page is shown
    if (take) mark.focus({ preventScroll: true });
    const above = mark.getBoundingClientRect().top - this.#text.getBoundingClientRect().top;
    this.#text.scrollTop += above - this.#text.clientHeight * 0.25;
  }
}

async function get(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (!response.ok) throw Object.assign(new Error(path), { status: response.status });
  return response.json();
}

/** The same for what does not change: a version of a text. */
async function kept(path) {
  if (!held.has(path)) held.set(path, await get(path));
  if (held.size > KEPT) held.delete(held.keys().next().value);
  return held.get(path);
}

/** Where a link leads out: the quote on the web page, the page of the PDF, the file, the original. */
function outLink(source, quote, page) {
  const at = quote && text.quoteUrl(source, quote, page);
  const href = at || text.sourceHref(source);
  if (!href) return null;
  const words = /^\/v1\//.test(href) ? t("openFile") : at ? (/#page=\d+$/.test(at) ? t("openPage", { page }) : t("openQuote")) : t("openOriginal");
  return h("p", { class: "reader-out" }, link(href, words, "out"));
}

function languageName(code) {
  try {
    return code && bdi(new Intl.DisplayNames(language(), { type: "language" }).of(code));
  } catch {
    return null; // no code of a language
  }
}

/** {start, end} in UTF-16 units of a quote that the API places by code points; null if it is not there. */
function spanOf(whole, { start, end, quote, text: words }) {
  const sought = quote ?? words;
  if (!sought) return null;
  const from = units(whole, start);
  const to = units(whole, end);
  if (whole.slice(from, to) === sought) return { start: from, end: to };
  const found = whole.indexOf(sought);
  return found < 0 ? null : { start: found, end: found + sought.length };
}

function units(whole, points) {
  let at = 0;
  for (; points > 0 && at < whole.length; points--) at += whole.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}

/** The blocks of a text, [{start, end, head}]; `head` is one that reads as a heading. */
function paragraphs(whole, headings) {
  const blocks = [];
  for (let start = 0; start < whole.length;) {
    let end = whole.indexOf("\n\n", start);
    if (end < 0) end = whole.length;
    if (end - start > LONGEST) end = whole.lastIndexOf(" ", start + LONGEST) > start ? whole.lastIndexOf(" ", start + LONGEST) : start + LONGEST;
    const words = whole.slice(start, end);
    if (words.trim()) blocks.push({ start, end, head: headings.has(words.trim()) || (words.length < 70 && /^[\p{Lu}\d\p{Lo}][^\n]*[^\s.,;:。、．，!?！？…」）)]$/u.test(words)) });
    start = end;
    while (whole[start] === "\n" || whole[start] === " ") start++;
  }
  return blocks;
}

function paragraph(whole, { start, end, head }, spans) {
  const inside = spans.filter((span) => span.start < end && span.end > start);
  const cuts = [...new Set([start, end, ...inside.flatMap((s) => [Math.max(start, s.start), Math.min(end, s.end)])])].sort((a, b) => a - b);
  return h("p", { class: head && "head" }, cuts.slice(1).map((to, i) => {
    const words = text.flow(whole.slice(cuts[i], to));
    const marks = inside.filter((span) => span.start <= cuts[i] && span.end >= to);
    if (!marks.length) return words;
    const lit = marks.some((span) => span.lit);
    return h("mark", { class: lit && "lit", tabindex: lit && "-1" }, words);
  }));
}
