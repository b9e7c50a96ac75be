// Sets the colours before the first paint: those that the reader chose, else those of the system.
// A script of its own that is not a module, so that it runs while the head is read.

(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => {
    try { return localStorage.getItem("tenkyo.theme"); } catch { return null; } // storage can be forbidden
  };
  let own = kept();
  const apply = () => {
    const theme = own === "light" || own === "dark" ? own : dark.matches ? "dark" : "light";
    document.documentElement.dataset.theme = theme;
    document.querySelector("meta[name=theme-color]").content = theme === "dark" ? "#101113" : "#faf6ee";
  };
  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", () => { own = kept(); apply(); }); // chosen in another window
  addEventListener("tenkyo:theme", (e) => { own = e.detail; apply(); });
})();
