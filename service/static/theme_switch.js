// The button that chooses the colours: those of the system, light, or dark. theme.js applies them.

import { t } from "./i18n.js";
import { icon } from "./render.js";
import { kept } from "./storage.js";

const KEY = "tenkyo.theme";
const THEMES = ["system", "light", "dark"];
const SHAPES = {
  system: [["circle", { cx: 8, cy: 8, r: 5.5 }], ["path", { d: "M8 2.5a5.5 5.5 0 0 1 0 11z", fill: "currentColor" }]],
  light: [["circle", { cx: 8, cy: 8, r: 2.8 }],
    ["path", { d: "M8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M12.8 3.2l-1.1 1.1M4.3 11.7l-1.1 1.1" }]],
  dark: [["path", { d: "M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6z" }]],
};

const button = document.getElementById("theme");
let theme = THEMES.includes(kept.get(KEY)) ? kept.get(KEY) : "system";

function draw() {
  button.replaceChildren(icon(SHAPES[theme]));
  button.dataset.i18nLabel = `theme.${theme}`; // for when the language changes
  button.title = t(`theme.${theme}`);
  button.setAttribute("aria-label", button.title);
}

button.addEventListener("click", () => {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  kept.set(KEY, theme === "system" ? "" : theme);
  dispatchEvent(new CustomEvent("tenkyo:theme", { detail: theme }));
  draw();
});
draw();
