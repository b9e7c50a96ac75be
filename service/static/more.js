// What is not needed to ask a question: loaded when it is first wanted.

import "./words.js";
export { UploadDialog } from "./adding.js";
export { SourcesDialog } from "./library.js";
export { SharedView } from "./shared.js";
export { ShareDialog } from "./sharing.js";
export { ConversationList } from "./talks.js";
