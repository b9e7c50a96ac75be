// The words of the page in both languages. An entry is a string, or a function of its values.

const s = (n, one, many) => (n === 1 ? one : many);

const WORDS = {
  en: {
    skip: "Skip to the question box",
    home: "Tenkyo, start page",
    library: "Sources",
    other: "日本語",
    headline: "Answers that show what they rest on.",
    tagline: "Every sentence is checked against its source, down to the quoted words. What the sources do not support is withheld.",
    question: "Your question",
    placeholder: "Ask about the sources…",
    quotesOnly: "Quotes only",
    ask: "Ask",
    stop: "Stop",
    hint: "Enter to ask, Shift+Enter for a new line",
    examplesTitle: "For example",
    examples: [
      "How many hours of audio was Whisper trained on?",
      "How does Block-NeRF render a whole neighbourhood?",
      "What made GT Sophy faster than champion drivers?",
      "How does YouChat answer a question?",
      "Do diffusion models need Gaussian noise?",
    ],
    facts: ({ sources, passages }) => `${sources} ${s(sources, "source", "sources")}, ${passages} passages`,
    factsModel: ({ model }) => `model: ${model}`,
    notReady: "The index is not ready yet; answers may fail until it is.",
    scope: ({ n, all }) => `In ${n} of ${all} sources`,
    scopeClear: "search all sources again",

    searching: "Searching the sources…",
    writing: "Writing, and checking each sentence…",
    done: ({ seconds, n, held }) => `Done in ${seconds} s: ${n} ${s(n, "sentence", "sentences")}${held ? `, ${held} withheld` : ""}.`,
    doneAbstained: ({ seconds }) => `Done in ${seconds} s: no supported answer.`,
    stopped: "Stopped.",
    stoppedNote: "You stopped this answer. The sentences above were checked; there may have been more.",
    stoppedEmpty: "You stopped this answer before its first sentence.",
    failed: "The answer could not be finished.",
    unreachable: "The server could not be reached. Is it still running?",
    cutOff: "The connection closed before the answer was complete.",
    garbled: "The server sent something this page does not understand.",
    problem: ({ status }) => `The server answered with an error${status ? ` (${status})` : ""}.`,
    retry: "Try again",
    again: "Ask again",
    noneChosen: "No source is chosen: tick at least one under Sources.",
    busy: "An answer is still being written. Stop it first to ask the next question.",

    edit: "Edit",
    editOf: "Edit this question",
    copy: "Copy with sources",
    copied: "Copied.",
    answer: "Answer",
    sources: "Sources",
    cited: ({ n }) => `Cited sources (${n})`,
    nearest: "What was nearest",
    alsoRead: ({ n }) => `Also read (${n})`,
    reading: ({ n }) => `Reading ${n} ${s(n, "passage", "passages")}`,
    marker: ({ label, title }) => `${label}, source: ${title}`,
    cardOf: ({ label, title }) => `Source ${label}: ${title}`,
    passage: "Passage",
    page: ({ page }) => `p. ${page}`,
    openQuote: "Open the source at this quote",
    openQuotes: "Open the source at quote",
    seconds: ({ n }) => `${n} s`,
    openPage: ({ page }) => `Open the PDF at page ${page}`,
    openOriginal: "Open the original",
    newTab: "(opens in a new tab)",
    usedBy: "Cited by",
    sentence: ({ n }) => `sentence ${n}`,
    etal: " et al.",
    and: { comma: ", ", last: " and " },
    kind: {
      article: "article",
      paper: "paper",
      digest: "digest: our own summary of a source that could not be fetched",
      web: "web page",
      upload: "uploaded file",
    },
    digestShort: "digest",

    verdict: { supported: "supported", partial: "partly supported", contradicted: "contradicted", unsupported: "not supported" },
    tally: { supported: "supported", partial: "partly supported", contradicted: "contradicted", unsupported: "not supported" },
    tallyLine: ({ n, word }) => `${n} ${word}`,
    withheld: ({ n }) => `Withheld: ${n} ${s(n, "sentence", "sentences")} the sources do not support`,
    why: "Why",
    quoted: "Quoted",
    quotedWhy: "sentences verbatim from the sources, no model",
    secondary: "second hand",
    secondaryWhy: "This rests on a source that reports on a work which is in the library too",
    disputed: "Another source says otherwise:",
    abstention: { not_enough_evidence: "Too little evidence", outside_library: "Outside this library", false_premise: "The question supposes something else than the sources say" },
    abstained: "No supported answer",
    abstainedWhy: "The sources that were read do not answer this question.",
    noModel: "No sentence could be supported.",
    details: "How this answer was made",
    model: "Model",
    none: "none",
    time: "Time",
    answerId: "Answer",
    step: { search: "search", read: "choosing passages", write: "writing and checking", quote: "quoting", total: "in all" },

    libraryTitle: "Sources",
    libraryNote: ({ digests }) => "Answers rest on these sources alone. Untick some to search only in the others."
      + (digests ? " A digest is our own summary of a source that could not be fetched." : ""),
    libraryFailed: "The list of sources could not be loaded.",
    passages: ({ n }) => `${n} ${s(n, "passage", "passages")}`,
    tickAll: "All",
    tickNone: "None",
    close: "Close",

    offline: "There is no network connection.",
    nothing: "There is nothing to answer from yet. Add documents of your own: every answer will rest on them, sentence by sentence.",
    noSources: "No sources yet",
    history: "History",
    add: { first: "Add sources", dropNow: "Drop the files to add them to the sources" },
    share: { button: "Share, export" },
    talks: {
      fresh: "New question",
      lost: "This conversation was deleted. What is shown here is kept nowhere else; the next question begins a new one.",
      unknown: "There is no such conversation: it may have been deleted.",
    },
  },
  ja: {
    skip: "質問欄へ移動",
    home: "Tenkyo 最初のページ",
    library: "出典一覧",
    other: "English",
    headline: "典拠のある答えを、一文ずつ。",
    tagline: "どの文も、引用した語句まで出典と照らし合わせてから示します。裏づけのない文は出しません。",
    question: "質問",
    placeholder: "出典に聞いてみる…",
    quotesOnly: "引用だけで答える",
    ask: "質問する",
    stop: "停止",
    hint: "Enterで送信、Shift+Enterで改行",
    examplesTitle: "たとえば",
    examples: [
      "Whisperは何時間の音声で学習されましたか？",
      "Block-NeRFはどうやって街全体を描画するのですか？",
      "GT Sophyはなぜトップドライバーより速く走れたのですか？",
      "YouChatはどのように質問に答えますか？",
      "拡散モデルにガウスノイズは必要ですか？",
    ],
    facts: ({ sources, passages }) => `出典${sources}件、${passages}節`,
    factsModel: ({ model }) => `モデル: ${model}`,
    notReady: "索引の準備がまだできていません。答えられないことがあります。",
    scope: ({ n, all }) => `${all}件中${n}件の出典から`,
    scopeClear: "すべての出典に戻す",

    searching: "出典を探しています…",
    writing: "書きながら、一文ずつ確かめています…",
    done: ({ seconds, n, held }) => `${seconds}秒で完了しました。${n}文${held ? `、保留${held}文` : ""}。`,
    doneAbstained: ({ seconds }) => `${seconds}秒で完了しました。裏づけのある答えはありません。`,
    stopped: "停止しました。",
    stoppedNote: "途中で停止しました。上の文は確認済みですが、続きがあったかもしれません。",
    stoppedEmpty: "最初の文が出る前に停止しました。",
    failed: "最後まで答えられませんでした。",
    unreachable: "サーバーに接続できません。動いているか確かめてください。",
    cutOff: "答えの途中で接続が切れました。",
    garbled: "サーバーの応答を読み取れませんでした。",
    problem: ({ status }) => `サーバーがエラーを返しました${status ? `（${status}）` : ""}。`,
    retry: "もう一度試す",
    again: "もう一度聞く",
    noneChosen: "出典が選ばれていません。出典一覧で一つ以上選んでください。",
    busy: "まだ答えの途中です。次の質問をするには、先に停止してください。",

    edit: "編集",
    editOf: "この質問を編集",
    copy: "出典つきでコピー",
    copied: "コピーしました。",
    answer: "答え",
    sources: "出典",
    cited: ({ n }) => `引用した出典（${n}）`,
    nearest: "最も近かった箇所",
    alsoRead: ({ n }) => `ほかに読んだ箇所（${n}）`,
    reading: ({ n }) => `${n}か所を読んでいます`,
    marker: ({ label, title }) => `${label}、出典：${title}`,
    cardOf: ({ label, title }) => `出典${label}：${title}`,
    passage: "本文",
    page: ({ page }) => `${page}ページ`,
    openQuote: "出典のこの箇所を開く",
    openQuotes: "出典の引用を開く",
    seconds: ({ n }) => `${n}秒`,
    openPage: ({ page }) => `PDFの${page}ページを開く`,
    openOriginal: "元の文書を開く",
    newTab: "（新しいタブで開きます）",
    usedBy: "引用した文",
    sentence: ({ n }) => `第${n}文`,
    etal: "ほか",
    and: { comma: "、", last: "、" },
    kind: {
      article: "記事",
      paper: "論文",
      digest: "要約：取得できなかった出典を私たちがまとめたもの",
      web: "ウェブページ",
      upload: "アップロードされたファイル",
    },
    digestShort: "要約",

    verdict: { supported: "裏づけあり", partial: "一部裏づけあり", contradicted: "出典と矛盾", unsupported: "裏づけなし" },
    tally: { supported: "裏づけあり", partial: "一部裏づけあり", contradicted: "出典と矛盾", unsupported: "裏づけなし" },
    tallyLine: ({ n, word }) => `${word} ${n}文`,
    withheld: ({ n }) => `出典に裏づけがないため示さなかった文（${n}）`,
    why: "理由",
    quoted: "引用",
    quotedWhy: "出典の文をそのまま並べたもので、モデルは使っていません",
    secondary: "二次資料",
    secondaryWhy: "元の著作も資料にありますが、それを紹介する資料だけに基づいています",
    disputed: "別の資料の記述と食い違います。",
    abstention: { not_enough_evidence: "根拠が足りません", outside_library: "資料の範囲外です", false_premise: "質問の前提が資料と異なります" },
    abstained: "裏づけのある答えはありません",
    abstainedWhy: "読んだ出典は、この質問に答えていません。",
    noModel: "裏づけのある文はありませんでした。",
    details: "この答えのつくられ方",
    model: "モデル",
    none: "なし",
    time: "時間",
    answerId: "答えの番号",
    step: { search: "検索", read: "箇所の選択", write: "執筆と確認", quote: "引用", total: "合計" },

    libraryTitle: "出典一覧",
    libraryNote: ({ digests }) => "答えはこれらの出典だけにもとづきます。チェックを外すと、残りの出典だけから探します。"
      + (digests ? "「要約」は、取得できなかった出典を私たちがまとめたものです。" : ""),
    libraryFailed: "出典の一覧を読み込めませんでした。",
    passages: ({ n }) => `${n}節`,
    tickAll: "すべて",
    tickNone: "すべて外す",
    close: "閉じる",

    offline: "ネットワークに接続していません。",
    nothing: "答えのもとになる出典がまだありません。手元の文書を追加してください。答えは一文ずつ、その文書にもとづきます。",
    noSources: "出典はまだありません",
    history: "履歴",
    add: { first: "出典を追加する", dropNow: "ドロップすると出典に追加します" },
    share: { button: "共有・書き出し" },
    talks: {
      fresh: "新しい質問",
      lost: "この会話は削除されました。ここに見えているものは、もう保存されていません。次の質問から新しい会話になります。",
      unknown: "その会話はありません。削除されたのかもしれません。",
    },
  },
};

/** More words, of modules that bring their own; those of a group join it. */
export function addWords(more) {
  for (const [name, words] of Object.entries(more)) {
    for (const [key, word] of Object.entries(words)) {
      WORDS[name][key] = typeof word === "object" ? { ...WORDS[name][key], ...word } : word;
    }
  }
}

const KEY = "tenkyo.language";
let current = remembered() ?? (/^ja\b/i.test(navigator.language ?? "") ? "ja" : "en");

function remembered() {
  try {
    const saved = localStorage.getItem(KEY);
    return Object.hasOwn(WORDS, saved ?? "") ? saved : null;
  } catch {
    return null; // storage can be forbidden; the browser's language decides then
  }
}

export const language = () => current;

export function switchLanguage() {
  current = current === "ja" ? "en" : "ja";
  try {
    localStorage.setItem(KEY, current);
  } catch { /* it will be forgotten, no more */ }
}

/** The words for a key ("verdict.partial"), with values filled in; undefined for an unknown key. */
export function t(key, values) {
  let entry = WORDS[current];
  for (const part of key.split(".")) entry = Object.hasOwn(entry ?? {}, part) ? entry[part] : undefined;
  return typeof entry === "function" ? entry(values) : entry;
}

export const number = (n, digits = 0) =>
  new Intl.NumberFormat(current, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(n);

/** Fill every element that names its words in the page's own markup. */
export function translatePage(root = document) {
  document.documentElement.lang = current;
  for (const el of root.querySelectorAll("[data-i18n]")) el.textContent = t(el.dataset.i18n);
  for (const el of root.querySelectorAll("[data-i18n-label]")) el.setAttribute("aria-label", t(el.dataset.i18nLabel));
  for (const el of root.querySelectorAll("[data-i18n-placeholder]")) el.placeholder = t(el.dataset.i18nPlaceholder);
}
