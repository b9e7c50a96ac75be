// What the page's address names, a conversation or a shared link; and the breakpoint of the layout.

export const address = (id) => (id ? `/?c=${encodeURIComponent(id)}` : "/");
export const named = () => new URLSearchParams(location.search).get("c");
export const token = /^\/shared\/([^/]+)\/?$/.exec(location.pathname)?.[1]; // of a shared conversation
export const wide = matchMedia("(min-width: 80rem)"); // room for a list beside the page

/** Whether a title is no more than the first question, which is there to be read anyway. */
export const isBeginning = (title, question = "") =>
  question.replace(/\s+/g, " ").trim().startsWith(title.replace(/…$/, ""));
