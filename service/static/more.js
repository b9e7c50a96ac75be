// What is not needed to ask a question: loaded when it is first wanted.

import "./words.js";
export { Adding } from "./adding.js";
export { Library } from "./library.js";
export { Shared } from "./shared.js";
export { Sharing } from "./sharing.js";
export { Talks } from "./talks.js";
