// The page of a PDF as it is printed, with the quote boxed, in the pane of a source. Loaded when one is first opened.

import { addWords, t } from "./i18n.js";
import { h, icon } from "./render.js";
import { kept } from "./storage.js";

addWords({
  en: {
    pageView: {
      switch: "How to show the source",
      page: "Page",
      text: "Text",
      at: ({ page, pages }) => `p. ${page} of ${pages}`,
      before: "Previous page",
      after: "Next page",
      closer: "Zoom in",
      farther: "Zoom out",
      back: "Back to the quote",
      alt: ({ page, pages, title, marked }) => `Page ${page}${pages ? ` of ${pages}` : ""} of ${title}, as printed.${marked ? " The quote is boxed." : ""} Choose Text to read the words.`,
      region: "The page as printed",
      nowhere: "The quote could not be found on the page. You can read it under Text.",
      locked: "This PDF is password-protected, and Tenkyo does not store passwords. Add a copy without a password to see its pages.",
      broken: "This page cannot be drawn. Save the PDF again in another program and add it again.",
      changed: "The file has changed since it was read. Add it again to see its pages.",
      gone: "The file is no longer here. Add it again to see its pages.",
      busy: "The page could not be loaded. Try opening the quote again in a moment.",
      missed: "This page could not be loaded.",
      coarse: "The page could not be loaded at this size.",
    },
  },
  ja: {
    pageView: {
      switch: "資料の表示方法",
      page: "ページ",
      text: "テキスト",
      at: ({ page, pages }) => `${page}／${pages}ページ`,
      before: "前のページ",
      after: "次のページ",
      closer: "拡大",
      farther: "縮小",
      back: "引用箇所に戻る",
      alt: ({ page, pages, title, marked }) => `${title}の${page}ページ${pages ? `（全${pages}ページ）` : ""}の画像。${marked ? "引用箇所が枠で囲まれています。" : ""}文章は「テキスト」で読めます。`,
      region: "ページの画像",
      nowhere: "ページ上の引用箇所がわかりません。「テキスト」で確認できます。",
      locked: "このPDFはパスワードで保護されています。パスワードは保存していないため、ページを表示するには、保護を外したPDFを追加してください。",
      broken: "このページは表示できません。別のソフトウェアでPDFを保存し直して、もう一度追加してください。",
      changed: "読み込んだ後にファイルが変更されています。ページを表示するには、もう一度追加してください。",
      gone: "ファイルがありません。ページを表示するには、もう一度追加してください。",
      busy: "ページを読み込めませんでした。少し待ってから引用を開き直してください。",
      missed: "このページを読み込めませんでした。",
      coarse: "この大きさの画像を読み込めませんでした。",
    },
  },
});

const ZOOMS = [100, 150, 200, 300]; // per cent of the pane's width
const [SMALLEST, WIDEST] = [400, 3000]; // pixels of an image
const PADDING = 3; // thousandths of the page's width, around the words
const CHOICE = "tenkyo.source"; // "text" where the reader prefers that
const SHAPES = {
  back: [["path", { d: "M6.2 4 3 7.2l3.2 3.2M3 7.2h6.4a3.2 3.2 0 0 1 3.2 3.2v1.4" }]],
  before: [["path", { d: "M10 3.5 5.5 8l4.5 4.5" }]],
  after: [["path", { d: "M6 3.5 10.5 8 6 12.5" }]],
  farther: [["path", { d: "M3.5 8h9" }]],
  closer: [["path", { d: "M3.5 8h9M8 3.5v9" }]],
};
let styled = null;

/**
 * Put a switch between the page and the text into the pane, before the text.
 *
 * `of` is {source, version, page, start, end}: a span of the source's text. `note(words)` says why there
 * is no page to be seen. Where the reader prefers the text, the page is fetched when it is chosen.
 */
export async function offerPage(pane, text, of, note) {
  styled ??= style("/static/page_view.css").catch((error) => { styled = null; throw error; });
  await styled;
  if (text.parentNode === pane) new PageView(pane, text, of, note); // else another quote was opened meanwhile
}

class PageView {
  #pane; #text; #of; #note;
  #bar; #tools; #failed; #region; #sheet; #image; #svg; #at;
  #buttons = {};
  #found = null; // what the service says of the span: {page, pages, boxes}; pages is 0 until then
  #number = 0; // of the page that is wanted
  #drawn = 0; // of the one that is shown
  #zoom = 0;
  #turn = 0; // counts what was asked for: an image that comes late is not shown

  constructor(pane, text, of, note) {
    [this.#pane, this.#text, this.#of, this.#note] = [pane, text, of, note];
    const choice = (name) => h("button", { type: "button", onclick: () => this.#choose(name) }, t(`pageView.${name}`));
    for (const name of ["page", "text"]) this.#buttons[name] = choice(name);
    const tool = (name, act) => (this.#buttons[name] = h("button", { type: "button", class: "plain tool", title: t(`pageView.${name}`), "aria-label": t(`pageView.${name}`), onclick: act }, icon(SHAPES[name])));
    this.#at = h("span", { class: "page-at", role: "status" });
    this.#tools = h("div", { class: "page-tools", onkeydown: (e) => this.#key(e) }, tool("back", () => this.#turnTo(this.#found.page)),
      tool("before", () => this.#turnTo(this.#number - 1)), this.#at, tool("after", () => this.#turnTo(this.#number + 1)),
      tool("farther", () => this.#zoomTo(this.#zoom - 1)), tool("closer", () => this.#zoomTo(this.#zoom + 1)));
    this.#bar = h("div", { class: "page-bar" },
      h("div", { class: "page-switch", role: "group", "aria-label": t("pageView.switch") }, this.#buttons.page, this.#buttons.text), this.#tools);
    this.#failed = h("div", { class: "page-failed", role: "status" }); // what did not come, once a page is there
    this.#image = h("img", { alt: "" });
    this.#svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.#svg.setAttribute("aria-hidden", "true");
    this.#sheet = h("div", { class: "page-sheet z100" }, this.#image, this.#svg);
    this.#region = h("div", { class: "page-region", tabindex: "0", role: "group", "aria-label": t("pageView.region"), hidden: true, onkeydown: (e) => this.#key(e) }, this.#sheet);
    this.#draw(1000, 1414); // the room that a page will take
    for (const name of ["back", "before", "after", "farther", "closer"]) this.#buttons[name].disabled = true;
    text.before(this.#bar, this.#failed, this.#region);
    this.#show(kept.get(CHOICE) === "text" ? "text" : "page");
  }

  #choose(name) {
    kept.set(CHOICE, name === "text" ? "text" : "");
    this.#show(name);
  }

  #show(name) {
    const had = [this.#text, this.#region].some((el) => el.contains(document.activeElement));
    const page = name === "page";
    for (const each of ["page", "text"]) this.#buttons[each].setAttribute("aria-pressed", String(each === name));
    this.#text.hidden = page;
    this.#region.hidden = !page;
    this.#tools.hidden = this.#failed.hidden = !page;
    if (had) (page ? this.#region : this.#text).focus({ preventScroll: true });
    if (page && !this.#found) this.#open();
    if (!page) this.#toMark();
  }

  /** In the text, the quote to where it can be read: hidden, it could not be scrolled to. */
  #toMark() {
    const mark = this.#text.querySelector("mark.lit");
    if (mark) this.#text.scrollTop += mark.getBoundingClientRect().top - this.#text.getBoundingClientRect().top - this.#text.clientHeight * 0.25;
  }

  /** The page at once; finding the quote on it takes longer. */
  async #open() {
    const { start, end, page } = this.#of;
    this.#found = { page, pages: 0, boxes: [] };
    this.#disable({ closer: false });
    this.#sheet.classList.add("seeking");
    this.#turnTo(page);
    try {
      this.#found = await asked(`${this.#path("boxes")}${this.#query({ start, end })}`);
    } catch (error) { // reading a large file may take too long: its page can be seen all the same
      if (["locked", "changed", "gone"].includes(error.code)) this.#give(error);
    }
    if (!this.#bar.isConnected) return;
    this.#sheet.classList.remove("seeking");
    if (!this.#found.boxes.length) this.#note(t("pageView.nowhere"));
    if (this.#number === page && page !== this.#found.page) this.#turnTo(this.#found.page);
    else this.#tell();
    this.#mark(this.#drawn === this.#found.page);
    this.#ahead();
  }

  /** There is no page: one sentence on why, and the text. */
  #give(error) {
    if (!this.#bar.isConnected) return;
    this.#note(t(`pageView.${known(error) ?? "busy"}`));
    this.#show("text");
    for (const part of [this.#bar, this.#failed, this.#region]) part.remove();
  }

  /** Another page, or this one sharper, did not come: the view stays, and it can be asked for again. */
  #miss(error, anew) {
    this.#wait(false);
    this.#sheet.hidden = this.#drawn !== this.#number; // no page is taken for another
    const retry = () => {
      this.#region.focus({ preventScroll: true });
      anew ? this.#turnTo(this.#number) : this.#load(false);
    };
    this.#failed.replaceChildren(h("p", {}, t(`pageView.${known(error) ?? (anew ? "missed" : "coarse")}`),
      h("button", { type: "button", class: "secondary", onclick: retry }, t("retry"))));
  }

  async #turnTo(number) {
    if (number < 1 || number > (this.#found.pages || number)) return;
    this.#number = number;
    this.#tell();
    await this.#load(true);
    this.#ahead();
  }

  /** Which page it is, and where one can go from it. */
  #tell() {
    const [number, { page, pages }] = [this.#number, this.#found];
    this.#at.textContent = t(pages ? "pageView.at" : "page", { page: number, pages });
    this.#disable({ before: number === 1, after: !pages || number === pages, back: number === page });
  }

  /** The next page is fetched before it is wanted. */
  #ahead() {
    if (this.#drawn === this.#number && this.#number < this.#found.pages) new Image().src = this.#url(this.#number + 1);
  }

  /** Load the image for the page and the zoom that are chosen now; `anew`: another page. */
  async #load(anew) {
    const turn = ++this.#turn;
    const image = new Image();
    image.src = this.#url(this.#number);
    this.#wait(true);
    this.#failed.replaceChildren();
    try {
      await image.decode();
    } catch {
      const error = await reason(image.src);
      if (turn === this.#turn) this.#drawn ? this.#miss(error, anew) : this.#give(error);
      return;
    }
    if (turn !== this.#turn) return;
    this.#wait(false);
    this.#sheet.hidden = false;
    this.#image.replaceWith(image);
    this.#image = image;
    this.#drawn = this.#number;
    this.#mark(anew);
  }

  /** Box the quote on the page that is shown, and say in words what that is. */
  #mark(scroll) {
    if (!this.#drawn) return; // it is still to come
    const boxes = this.#found.boxes.filter((box) => box.page === this.#drawn);
    const title = this.#of.source.title || this.#of.source.url;
    this.#image.alt = t("pageView.alt", { page: this.#drawn, pages: this.#found.pages, title, marked: boxes.length > 0 });
    this.#draw(this.#image.naturalWidth, this.#image.naturalHeight, boxes);
    if (scroll) this.#toBox();
  }

  /** The sheet in the shape of a page, and boxes on it. */
  #draw(width, height, boxes = []) {
    const [across, down] = [1000, (1000 * height) / width];
    this.#svg.setAttribute("viewBox", `0 0 ${across} ${down}`);
    // All the edges lie under all the fills: what is left of them goes around the whole quote.
    this.#svg.replaceChildren(...["rim", "fill"].flatMap((kind) => boxes.map((box) => {
      const rect = document.createElementNS(this.#svg.namespaceURI, "rect");
      const place = { class: kind, x: box.left * across - PADDING, y: box.top * down - PADDING, width: box.width * across + 2 * PADDING, height: box.height * down + 2 * PADDING, rx: 2 };
      for (const [name, value] of Object.entries(place)) rect.setAttribute(name, value);
      return rect;
    })));
  }

  #toBox() {
    const box = this.#svg.querySelector("rect");
    const [region, to] = [this.#region, box?.getBoundingClientRect()];
    const from = region.getBoundingClientRect();
    region.scrollTop = box ? region.scrollTop + to.top - from.top - region.clientHeight * 0.25 : 0;
    if (box) region.scrollLeft += to.left - from.left - region.clientWidth * 0.1;
  }

  #zoomTo(zoom) {
    if (zoom < 0 || zoom >= ZOOMS.length || !this.#found) return;
    const region = this.#region;
    const middle = [(region.scrollLeft + region.clientWidth / 2) / region.scrollWidth, (region.scrollTop + region.clientHeight / 2) / region.scrollHeight];
    this.#zoom = zoom;
    this.#sheet.classList.remove(...ZOOMS.map((each) => `z${each}`));
    this.#sheet.classList.add(`z${ZOOMS[zoom]}`);
    this.#disable({ farther: zoom === 0, closer: zoom === ZOOMS.length - 1 });
    region.scrollLeft = middle[0] * region.scrollWidth - region.clientWidth / 2;
    region.scrollTop = middle[1] * region.scrollHeight - region.clientHeight / 2;
    this.#load(false);
  }

  /** A button that is of no use now does not keep the focus, which the browser would lose. */
  #disable(states) {
    for (const [name, off] of Object.entries(states)) {
      if (off && document.activeElement === this.#buttons[name]) this.#region.focus({ preventScroll: true });
      this.#buttons[name].disabled = off;
    }
  }

  #key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const turn = this.#zoom === 0 ? { ArrowLeft: -1, ArrowRight: 1 }[e.key] : 0; // zoomed in, they scroll
    const zoom = { "+": 1, "=": 1, "-": -1 }[e.key];
    if (turn && this.#found) this.#turnTo(this.#number + turn);
    else if (zoom) this.#zoomTo(this.#zoom + zoom);
    else return;
    e.preventDefault();
  }

  #wait(on) {
    this.#sheet.classList.toggle("waiting", on);
    this.#region.setAttribute("aria-busy", String(on));
  }

  /** Sharp on this screen, in sizes that the service makes anyway. */
  #url(number) {
    const room = (this.#region.clientWidth || 700) * (ZOOMS[this.#zoom] / 100) * Math.min(devicePixelRatio || 1, 3);
    const width = Math.min(WIDEST, Math.max(SMALLEST, Math.ceil(room / 200) * 200));
    return `${this.#path(`pages/${number}`)}${this.#query({ width })}`;
  }

  #path(last) { return `/v1/sources/${encodeURIComponent(this.#of.source.id)}/${last}`; }

  #query(values) {
    const { version } = this.#of;
    return `?${new URLSearchParams({ ...values, ...(version && { version }) })}`;
  }
}

async function asked(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (!response.ok) throw await problem(response);
  return response.json();
}

const known = ({ code }) => (["locked", "broken", "changed", "gone"].includes(code) ? code : null);

/** Why an image did not come: the element does not say. */
const reason = (url) => fetch(url).then(problem, (error) => error);

async function problem(response) {
  const { code } = await response.json().catch(() => ({}));
  return Object.assign(new Error(response.url), { code });
}

const style = (href) => new Promise((resolve, reject) => {
  const link = h("link", { rel: "stylesheet", href, onload: resolve, onerror: () => { link.remove(); reject(new Error(href)); } });
  document.head.append(link);
});
