/** What the browser keeps between visits; it may be forbidden to, and then it is forgotten. */
export const kept = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { value ? localStorage.setItem(key, value) : localStorage.removeItem(key); } catch { /* no more */ } },
};
