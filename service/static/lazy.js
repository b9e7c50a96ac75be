// Everything that is not needed to ask a question: loaded when a part of it is first opened.

import "./i18n_lazy.js";
import "./i18n_collections.js";
export { UploadDialog } from "./upload_dialog.js";
export { CollectionsBar } from "./collections_bar.js";
export { ScopeMenu } from "./scope_menu.js";
export { SourcesDialog } from "./sources_dialog.js";
export { SharedView } from "./shared_view.js";
export { ShareDialog } from "./share_dialog.js";
export { ConversationList } from "./conversations.js";
export { ModelDialog } from "./model_dialog.js";
