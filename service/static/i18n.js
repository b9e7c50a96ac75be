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
    facts: ({ sources, passages }) => `${sources} ${s(sources, "source", "sources")}, ${passages} passages`,
    factsModel: ({ model }) => `model: ${model}`,
    notReady: "The index is not ready yet; answers may fail until it is.",
    scope: ({ n, all }) => `In ${n} of ${all} sources`,
    scopeClear: "search all sources again",

    doing: {
      searching: "Searching the sources…",
      reading: "Reading what was found…",
      writing: "Writing, and checking each sentence…",
      checking: "Checking each sentence against its source…",
      lost: "The connection broke. Taking the answer up again…",
      offline: "You are offline. The answer goes on when you are back.",
    },
    done: ({ seconds, n, held }) => `Done in ${seconds} s: ${n} ${s(n, "sentence", "sentences")}${held ? `, ${held} withheld` : ""}.`,
    doneAbstained: ({ seconds }) => `Done in ${seconds} s: no supported answer.`,
    stopped: "Stopped.",
    stoppedNote: "You stopped this answer. The sentences above were checked; there may have been more. Ask again for all of it.",
    stoppedEmpty: "You stopped this answer before its first sentence. Ask again, or change the question.",
    failed: "The answer could not be finished.",
    unreachable: "The server could not be reached. See that it is running, then try again.",
    offline: "You are offline. Try again when you are connected.",
    cutOff: "The connection closed before the answer was complete, and could not be taken up. What stands above was checked; try again for the whole.",
    garbled: "The server sent something this page does not understand. Reload the page, then ask again.",
    problemDo: "Try again in a moment; if it goes on, the server's log has the reason.",
    problem: ({ status }) => `The server answered with an error${status ? ` (${status})` : ""}.`,
    notNow: "The service cannot take this question at the moment.",
    notNowDo: ({ n }) => `As many are asking as it can answer, or it is just starting. Try again in ${n} ${s(n, "second", "seconds")}.`,
    retry: "Try again",
    again: "Ask again",
    noneChosen: "No source is chosen: tick at least one under Sources.",
    busy: "An answer is still being written. Stop it first to ask the next question.",

    edit: "Edit",
    editOf: "Edit this question",
    editQuestion: "Edit the question",
    understood: "Understood as:",
    copy: "Copy with sources",
    copied: "Copied.",
    notCopied: "The browser did not let the page copy: select the text instead.",
    receipt: "Receipt",
    receiptWhy: "a file by which anybody can check this answer again",
    rate: "Was this any good?",
    up: "Good answer",
    down: "Poor answer",
    rated: "Thank you.",
    ratedWhy: "Thank you, that was noted.",
    notRated: "That could not be saved. Press again in a moment.",
    reasonFor: { up: "What was good? (optional)", down: "What was wrong or missing? (optional)" },
    send: "Send",
    related: "Go on with",
    narrowed: "The next question is asked of these sources.",
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

    readHere: "Read in the source",
    bears: ({ n }) => `${n} ${s(n, "sentence rests", "sentences rest")} on it`,
    onlyThis: "Only this source",
    leaveOut: "Leave out",
    kin: ({ labels }) => `The same work as ${labels}, in another text: together one witness`,
    sourceText: "Text of the source",
    quotes: "Quotes of this answer",
    quoteAt: ({ n, all, sentence }) => `Quote ${all > 1 ? `${n} of ${all}, ` : ""}for sentence ${sentence}`,
    previous: "Previous",
    next: "Next",
    digestWhy: "This is our own digest of the work, which could not be fetched. The words below are ours, not the work's.",
    byOcr: "This page was read by OCR: a letter may be wrong. See the original.",
    changedSince: ({ date }) => `The source has changed since. This is the text that was read${date ? `, of ${date}` : ""}.`,
    sourceGone: "This source is no longer in the library. These are the words that were read.",
    sourceUnreached: "The whole text could not be loaded. These are the words that were read; open it again to retry.",
    openFile: "Download the file",

    supportedBy: ({ n }) => (n === 1 ? "supported by one work" : `supported by ${n} independent works`),
    restsOn: ({ label }) => `Quote [${label}]`,
    witnesses: "Works",
    witnessesWhy: ({ n }) => (n === 1 ? "one; copies and translations of a work are not counted again" : `${n}, independent of each other; copies and translations are not counted again`),
    score: "Certainty",
    scoreWhy: "of 1, as the check puts it",
    method: "Checked by",
    methods: { verbatim: "comparing the words: they stand in the source", "rules + cross-encoder": "rules (numbers, names, negation) and a reading model" },
    disputedSelf: "Another version of the same work says otherwise:",
    verdict: { supported: "supported", partial: "partly supported", contradicted: "contradicted", unsupported: "not supported" },
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
    abstainedDo: "Put the question otherwise, or add a source that speaks of it.",
    noModel: "No sentence could be supported. Put the question otherwise, or add a source that speaks of it.",
    details: "How this answer was made",
    model: "Model",
    none: "none",
    time: "Time",
    answerId: "Answer",
    step: { search: "search", read: "choosing passages", write: "writing and checking", quote: "quoting", kept: "given again after", total: "in all" },

    libraryTitle: "Sources",
    libraryNote: ({ digests }) => "Answers rest on these sources alone. Untick some to search only in the others."
      + (digests ? " A digest is our own summary of a source that could not be fetched." : ""),
    libraryFailed: "The list of sources could not be loaded.",
    passages: ({ n }) => `${n} ${s(n, "passage", "passages")}`,
    tickAll: "All",
    tickNone: "None",
    close: "Close",

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
    facts: ({ sources, passages }) => `出典${sources}件、${passages}節`,
    factsModel: ({ model }) => `モデル: ${model}`,
    notReady: "索引の準備がまだできていません。答えられないことがあります。",
    scope: ({ n, all }) => `${all}件中${n}件の出典から`,
    scopeClear: "すべての出典に戻す",

    doing: {
      searching: "出典を探しています…",
      reading: "見つけた箇所を読んでいます…",
      writing: "書きながら、一文ずつ確かめています…",
      checking: "一文ずつ出典と照らし合わせています…",
      lost: "接続が切れました。続きを受け取り直しています…",
      offline: "オフラインです。つながりしだい続けます。",
    },
    done: ({ seconds, n, held }) => `${seconds}秒で完了しました。${n}文${held ? `、保留${held}文` : ""}。`,
    doneAbstained: ({ seconds }) => `${seconds}秒で完了しました。裏づけのある答えはありません。`,
    stopped: "停止しました。",
    stoppedNote: "途中で停止しました。上の文は確認済みですが、続きがあったかもしれません。全体を見るには、もう一度聞いてください。",
    stoppedEmpty: "最初の文が出る前に停止しました。もう一度聞くか、質問を変えてください。",
    failed: "最後まで答えられませんでした。",
    unreachable: "サーバーに接続できません。動いているか確かめて、もう一度試してください。",
    offline: "オフラインです。接続してから、もう一度試してください。",
    cutOff: "答えの途中で接続が切れ、続きを受け取れませんでした。上の文は確認済みです。全体を見るには、もう一度試してください。",
    garbled: "サーバーの応答を読み取れませんでした。ページを再読み込みして、もう一度聞いてください。",
    problemDo: "少し待ってから、もう一度試してください。続く場合は、サーバーのログに理由があります。",
    problem: ({ status }) => `サーバーがエラーを返しました${status ? `（${status}）` : ""}。`,
    notNow: "今はこの質問を受け付けられません。",
    notNowDo: ({ n }) => `質問が集中しているか、サービスの起動中です。${n}秒後にもう一度試してください。`,
    retry: "もう一度試す",
    again: "もう一度聞く",
    noneChosen: "出典が選ばれていません。出典一覧で一つ以上選んでください。",
    busy: "まだ答えの途中です。次の質問をするには、先に停止してください。",

    edit: "編集",
    editOf: "この質問を編集",
    editQuestion: "質問を編集",
    understood: "こう理解しました：",
    copy: "出典つきでコピー",
    copied: "コピーしました。",
    notCopied: "ブラウザーがコピーを許可しませんでした。文を選択してください。",
    receipt: "検証記録",
    receiptWhy: "この答えを誰でも確かめ直せるファイル",
    rate: "役に立ちましたか？",
    up: "よい答え",
    down: "よくない答え",
    rated: "ありがとうございます。",
    ratedWhy: "ありがとうございます。記録しました。",
    notRated: "保存できませんでした。少し待って、もう一度押してください。",
    reasonFor: { up: "よかった点（任意）", down: "誤りや足りない点（任意）" },
    send: "送る",
    related: "続けて聞く",
    narrowed: "次の質問は、選んだ出典だけから答えます。",
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

    readHere: "出典で読む",
    bears: ({ n }) => `${n}文の典拠`,
    onlyThis: "この出典だけ",
    leaveOut: "除く",
    kin: ({ labels }) => `${labels}と同じ著作の別の版です。合わせて一つの典拠と数えます`,
    sourceText: "出典の本文",
    quotes: "この答えの引用",
    quoteAt: ({ n, all, sentence }) => `引用${all > 1 ? ` ${n}／${all}` : ""}（第${sentence}文）`,
    previous: "前へ",
    next: "次へ",
    digestWhy: "取得できなかった著作を私たちがまとめた要約です。下の文は著作そのものの文ではありません。",
    byOcr: "このページは文字認識で読み取りました。誤字があるかもしれません。原文も見てください。",
    changedSince: ({ date }) => `出典はその後変わりました。これは読んだ時点${date ? `（${date}）` : ""}の本文です。`,
    sourceGone: "この出典はもう資料にありません。読んだときの文だけを示します。",
    sourceUnreached: "全文を読み込めませんでした。読んだときの文を示します。開き直すともう一度試します。",
    openFile: "ファイルをダウンロード",

    supportedBy: ({ n }) => (n === 1 ? "一つの著作に裏づけあり" : `独立した${n}つの著作に裏づけあり`),
    restsOn: ({ label }) => `引用 [${label}]`,
    witnesses: "著作の数",
    witnessesWhy: ({ n }) => `${n}（同じ著作の写しや翻訳は重ねて数えません）`,
    score: "確かさ",
    scoreWhy: "（最大1。照合の結果です）",
    method: "確かめ方",
    methods: { verbatim: "語句の照合：出典にそのまま書かれています", "rules + cross-encoder": "規則（数値・名前・否定）と読解モデル" },
    disputedSelf: "同じ著作の別の版の記述と食い違います。",
    verdict: { supported: "裏づけあり", partial: "一部裏づけあり", contradicted: "出典と矛盾", unsupported: "裏づけなし" },
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
    abstainedDo: "聞き方を変えるか、この話題の出典を加えてください。",
    noModel: "裏づけのある文はありませんでした。聞き方を変えるか、この話題の出典を加えてください。",
    details: "この答えのつくられ方",
    model: "モデル",
    none: "なし",
    time: "時間",
    answerId: "答えの番号",
    step: { search: "検索", read: "箇所の選択", write: "執筆と確認", quote: "引用", kept: "前の回答から", total: "合計" },

    libraryTitle: "出典一覧",
    libraryNote: ({ digests }) => "答えはこれらの出典だけにもとづきます。チェックを外すと、残りの出典だけから探します。"
      + (digests ? "「要約」は、取得できなかった出典を私たちがまとめたものです。" : ""),
    libraryFailed: "出典の一覧を読み込めませんでした。",
    passages: ({ n }) => `${n}節`,
    tickAll: "すべて",
    tickNone: "すべて外す",
    close: "閉じる",

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
