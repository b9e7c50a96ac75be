// Everything that is not needed to ask a question: loaded when a part of it is first opened.

import "./i18n_lazy.js";
export { UploadDialog } from "./upload_dialog.js";
export { SourcesDialog } from "./sources_dialog.js";
export { SharedView } from "./shared_view.js";
export { ShareDialog } from "./share_dialog.js";
export { ConversationList } from "./conversations.js";
export { ModelDialog } from "./model_dialog.js";
