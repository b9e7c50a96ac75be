// Words on how sentences are checked: which model judges them, and who decided about each.

import { addWords } from "./i18n.js";

addWords({
  en: {
    ownWords: "the source's own words",
    fromCatalogue: "from the catalogue",
    allChecked: ({ n }) => (n === 1 ? "Checked against its source" : "All sentences checked against their sources"),
    tallyHeld: ({ n }) => `${n} withheld`,
    draft: "Draft, not checked yet",
    quoteIn: ({ language }) => `Quoted in ${language ?? "another language"}`,
    translate: "Translate",
    translating: "Translating…",
    translatedBy: ({ model }) => `Translation by ${model}, not checked word by word`,
    fields: {
      authors: "authors: ", published: "date: ", venue: "venue: ", title: "title: ", licence: "licence: ", pages: "pages: ",
      references: "cites: ", cited_by: "cited by: ", file: "file: ", id: "id: ",
    },
    contextWhy: "supported by its source, but it does not answer the question",
    judge: {
      untested: ({ name, host }) => `The language model ${name} (${host}) has not been tested as a judge yet. Rules and a small reading model check each sentence.`,
      testing: ({ name, host }) => `The language model ${name} (${host}) is being tested as a judge. Until it has passed, rules and a small reading model check each sentence.`,
      able: ({ name, host }) => `The language model ${name} judges the sentences. Your question, the sentences and the passages found for them are sent to ${host}.`,
      failed: ({ name, host, yes, no }) => `The language model ${name} (${host}) did not pass the test of a judge`
        + `${yes == null ? "" : `: it judged ${yes} of 12 true and ${no} of 12 false sentences correctly`}. Rules and a small reading model check each sentence.`,
      withdrawn: ({ name, host }) => `The language model ${name} (${host}) got too many test sentences wrong and no longer judges. Rules and a small reading model check each sentence.`,
      unreachable: ({ name, host }) => `The language model ${name} (${host}) did not answer when it was tested as a judge. Rules and a small reading model check each sentence.`,
    },
  },
  ja: {
    ownWords: "出典の文のまま",
    fromCatalogue: "書誌情報から",
    allChecked: () => "すべての文を出典と照らし合わせました",
    tallyHeld: ({ n }) => `保留 ${n}文`,
    draft: "下書き（確認前）",
    quoteIn: ({ language }) => `${language ?? "別の言語"}からの引用`,
    translate: "翻訳する",
    translating: "翻訳しています…",
    translatedBy: ({ model }) => `${model} による翻訳です。一語ずつの確認はしていません`,
    fields: {
      authors: "著者：", published: "日付：", venue: "掲載先：", title: "題名：", licence: "ライセンス：", pages: "ページ数：",
      references: "引用している資料：", cited_by: "引用元の資料：", file: "ファイル：", id: "番号：",
    },
    contextWhy: "出典に裏づけはありますが、質問への答えではありません",
    judge: {
      untested: ({ name, host }) => `言語モデル ${name}（${host}）は、まだ判定役としての試験を受けていません。規則と小さな読解モデルが一文ずつ確かめます。`,
      testing: ({ name, host }) => `言語モデル ${name}（${host}）が判定役としての試験を受けています。合格するまでは、規則と小さな読解モデルが一文ずつ確かめます。`,
      able: ({ name, host }) => `言語モデル ${name} が文を判定します。質問と文、見つかった出典の箇所は ${host} に送られます。`,
      failed: ({ name, host, yes, no }) => `言語モデル ${name}（${host}）は判定役としての試験に合格しませんでした`
        + `${yes == null ? "" : `（正解は、正しい文12のうち${yes}、誤った文12のうち${no}）`}。規則と小さな読解モデルが一文ずつ確かめます。`,
      withdrawn: ({ name, host }) => `言語モデル ${name}（${host}）は、正誤のわかっている文を何度も誤って判定したため、もう使っていません。規則と小さな読解モデルが一文ずつ確かめます。`,
      unreachable: ({ name, host }) => `言語モデル ${name}（${host}）は判定役としての試験に応答しませんでした。規則と小さな読解モデルが一文ずつ確かめます。`,
    },
  },
});
