// Functions on text and addresses, without DOM: citation markers, safe links, shortened names.

const MARKER = /\s*[[［【]\s*(\d{1,3}(?:\s*[,，、]\s*\d{1,3})*)\s*[\]］】]/g;
const CJK = /[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]/;

/** "ja" or "en" for a piece of text, so that voices and glyphs suit it. */
export function languageOf(text) {
  if (/[\u3040-\u30ff]/.test(text)) return "ja";
  if (/[\u3400-\u9fff]/.test(text)) return "ja";
  return /\p{Script=Latin}/u.test(text) ? "en" : undefined;
}

/** The name of a language, in another one; undefined for what is no code of a language. */
export function languageName(code, language) {
  try {
    return new Intl.DisplayNames(language, { type: "language" }).of(code);
  } catch {
    return undefined;
  }
}

/** The address if it is http(s) and absolute, else null: a source's URL is data, not code. */
export function safeUrl(url) {
  try {
    const parsed = new URL(url);
    return parsed.protocol === "http:" || parsed.protocol === "https:" ? parsed : null;
  } catch {
    return null;
  }
}

/** Where a reader finds a source: its address, or, if it was uploaded, the file that is kept; or null. */
export function sourceHref(source) {
  if (/^upload:/.test(source.url ?? "")) return `/v1/sources/${encodeURIComponent(source.id)}/file`;
  if (/^\/sources\/[^/]+$/.test(source.url ?? "")) return source.url; // a file beside the service: our own page of it
  return safeUrl(source.url)?.href ?? null;
}

const isPdf = (url) => /\.pdf$/i.test(url.pathname) || /(^|\.)arxiv\.org$/.test(url.hostname) && url.pathname.startsWith("/pdf/");

/** A link that opens the source at the quote (text fragment) or, for a PDF, at the page. */
export function quoteUrl(source, quote, page) {
  const url = safeUrl(source.url);
  if (!url || source.kind === "digest") return null;
  if (isPdf(url)) {
    if (!page) return null;
    url.hash = `page=${Number(page)}`;
    return url.href;
  }
  const fragment = textFragment(quote);
  if (!fragment) return null;
  return `${url.href}${url.hash ? "" : "#"}:~:text=${fragment}`;
}

function textFragment(quote) {
  const encode = (part) => encodeURIComponent(part).replaceAll("-", "%2D");
  // Its lines and the cells of its rows: what the page has in an element of its own.
  const parts = flow(quote).split(/[\n|]+/).map((part) => part.replace(/\s+/g, " ").trim().replace(/^(?:[-*•·]|\d+[.)]) /, ""))
    .filter((part) => /[^-:\s]/.test(part));
  if (!parts.length) return null;
  try {
    if (parts.length === 1 && parts[0].length <= 120) return encode(parts[0]);
    // A long quote is named by its first and last words: a page's markup seldom matches all of it.
    const ends = (part, ...at) => (CJK.test(part) ? Array.from(part).slice(...at.map((n) => n * 20)).join("")
      : part.split(" ").slice(...at.map((n) => n * 6)).join(" "));
    return `${encode(ends(parts[0], 0, 1))},${encode(ends(parts.at(-1), -1))}`;
  } catch {
    return null; // a lone surrogate cannot be encoded
  }
}

/** A claim as text and marker pieces: markers the text carries stay in place, others follow it. */
export function claimPieces(text, citations) {
  const labels = new Set(citations.map((c) => c.label));
  const placed = new Set();
  const pieces = [];
  let from = 0;
  for (const match of text.matchAll(MARKER)) {
    const numbers = match[1].split(/[,，、]/).map(Number);
    if (!numbers.every((n) => labels.has(n))) continue; // "x[0]" is not a marker
    pieces.push({ text: text.slice(from, match.index) }, { labels: numbers });
    numbers.forEach((n) => placed.add(n));
    from = match.index + match[0].length;
  }
  const rest = text.slice(from);
  if (rest) pieces.push({ text: rest });
  const missing = [...labels].filter((n) => !placed.has(n));
  if (missing.length) pieces.push({ labels: missing });
  const joined = [];
  for (const piece of pieces.filter((p) => p.labels || p.text)) {
    if (piece.labels && joined.at(-1)?.labels) joined.at(-1).labels.push(...piece.labels);
    else joined.push(piece);
  }
  return joined;
}

/** The claim in words only: no markers. */
export const plainClaim = (claim) => claimPieces(claim.text, claim.citations)
  .map((piece) => piece.text ?? "").join("").trim();

/**
 * A passage cut where quotes begin and end: [{text, claims: [index…]}], and the uses whose quote
 * could not be found in it. Offsets of the API are code points, so the cutting is done on those.
 */
export function markPassage(passage, uses) {
  const points = Array.from(passage.text);
  const spans = [];
  const lost = [];
  for (const use of uses) {
    const span = locate(passage, points, use.citation);
    if (span) spans.push({ ...span, claim: use.claim });
    else lost.push(use);
  }
  const cuts = new Set([0, points.length]);
  for (const s of spans) cuts.add(s.start).add(s.end);
  const edges = [...cuts].sort((a, b) => a - b);
  const pieces = [];
  for (let i = 0; i + 1 < edges.length; i++) {
    const [start, end] = [edges[i], edges[i + 1]];
    const claims = spans.filter((s) => s.start <= start && end <= s.end).map((s) => s.claim);
    pieces.push({ text: points.slice(start, end).join(""), claims: [...new Set(claims)] });
  }
  return { pieces, lost };
}

function locate(passage, points, citation) {
  const length = Array.from(citation.quote).length;
  if (!length || citation.passage_id !== passage.id) return null;
  const start = citation.start - passage.start;
  if (start >= 0 && points.slice(start, start + length).join("") === citation.quote) {
    return { start, end: start + length };
  }
  const unit = passage.text.indexOf(citation.quote);
  if (unit < 0) return null;
  const found = Array.from(passage.text.slice(0, unit)).length;
  return { start: found, end: found + length };
}

/** Passage text for reading: line breaks inside a sentence go, those of paragraphs, lists and tables stay. */
export function flow(text) {
  return text.replace(/([^\n]?)\n(?<!\| [^\n]*\n)(?!\n|[-*•·] |\d+[.)] |[^\n]*\| )([^\n]?)/g, (all, a, b) => {
    if (!a || !b) return all;
    return CJK.test(a) && CJK.test(b) ? a + b : `${a} ${b}`;
  });
}

/** "Title › Section › Part" below the title itself: "Section › Part". */
export function headingBelow(title, heading) {
  const under = `${title} › `;
  return heading?.startsWith(under) ? heading.slice(under.length) : heading === title ? "" : heading;
}

/** The last, or the first, n characters of a text; not half a word where a blank is near. */
export const clipStart = (text, n) => clip(Array.from(text), n, (p) => `…${p.slice(-n).join("").replace(/^\S{0,15}\s/, "")}`);
export const clipEnd = (text, n) => clip(Array.from(text), n, (p) => `${p.slice(0, n).join("").replace(/\s\S{0,15}$/, "")} …`);
const clip = (points, n, cut) => (points.length <= n ? points.join("") : cut(points));

/** Authors in one line: all of three, else the first and "et al.". */
export function shortAuthors(authors, { and, etal }) {
  if (!authors?.length) return "";
  if (authors.length === 1) return authors[0];
  if (authors.length <= 3) return `${authors.slice(0, -1).join(and.comma)}${and.last}${authors.at(-1)}`;
  return `${authors[0]}${etal}`;
}

/** "2022-12-06" in the reader's language; a bare year, or anything else, as it is. */
export function shortDate(published, language) {
  if (!published) return "";
  const match = /^(\d{4})-(\d{2})(?:-(\d{2}))?/.exec(published);
  if (!match) return published;
  const date = new Date(Date.UTC(match[1], match[2] - 1, match[3] ?? 1));
  const style = { year: "numeric", month: language === "ja" ? "long" : "short", timeZone: "UTC" };
  if (match[3]) style.day = "numeric";
  return date.getUTCMonth() !== match[2] - 1 ? published : new Intl.DateTimeFormat(language, style).format(date);
}
