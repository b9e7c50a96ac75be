// What the page's address names, a conversation or a shared link; and the breakpoint of the layout.

/** Of a conversation, or with null of the start page, where one may ask in a collection. */
export const address = (id, collection = null) =>
  (id ? `/?c=${encodeURIComponent(id)}` : collection ? `/?collection=${encodeURIComponent(collection)}` : "/");
export const collectionNamed = () => new URLSearchParams(location.search).get("collection");
export const named = () => new URLSearchParams(location.search).get("c");
export const token = /^\/shared\/([^/]+)\/?$/.exec(location.pathname)?.[1]; // of a shared conversation
export const wide = matchMedia("(min-width: 80rem)"); // room for a list beside the page

/** Whether a title is no more than the first question, which is there to be read anyway. */
export const isBeginning = (title, question = "") =>
  question.replace(/\s+/g, " ").trim().startsWith(title.replace(/…$/, ""));
