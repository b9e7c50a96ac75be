// Words on how sentences are checked: which model judges them, and who decided about each.

import { addWords } from "./i18n.js";

addWords({
  en: {
    ownWords: "the source's own words",
    fromCatalogue: "from the catalogue",
    toCard: "Go to its card",
    fields: {
      authors: "authors: ", published: "date: ", venue: "venue: ", title: "title: ", licence: "licence: ", pages: "pages: ",
      references: "cites: ", cited_by: "cited by: ", file: "file: ", id: "id: ",
    },
    answering: "The question",
    answersYes: "it answers the question",
    contextWhy: "supported by its source, but it does not answer the question",
    answersUnknown: "not known whether it answers: that was not checked when this was said",
    methods: {
      verbatim: "comparing the words: they stand in the source",
      "rules + cross-encoder": "rules (numbers, names, negation) and a small reading model",
      rules: "rules alone: it says nothing that a source could support",
      reader: "a small reading model",
      metadata: "the catalogue, of which it repeats an entry",
      overview: "what was asked for: the beginning of a work, to sum it up or to compare it",
      "leans on a withheld sentence": "looking at the sentence before it, on which it builds and which was withheld",
    },
    judged: ({ name }) => `the language model ${name}, which read it beside the evidence`,
    overruled: ({ name }) => `a rule: the language model ${name} took it for supported, but the quotes it named have another number, unit or name`,
    notJudged: {
      timeout: "; the language model that judges took too long",
      unreachable: "; the language model that judges could not be reached",
      unreadable: "; the language model that judges sent no reply that could be read",
      control: "; the language model that judges got a control sentence wrong, so its word did not count",
      "no control": "; there was nothing to test the language model that judges with, so its word did not count",
      window: "; it was too long for the language model that judges",
    },
    judge: {
      untested: ({ name, host }) => `The language model ${name} (${host}) has not been tested as a judge yet. Rules and a small reading model check each sentence.`,
      testing: ({ name, host }) => `The language model ${name} (${host}) is being tested as a judge. Until it has passed, rules and a small reading model check each sentence.`,
      able: ({ name, host }) => `The language model ${name} judges the sentences. Your question, the sentences and the passages found for them are sent to ${host}.`,
      failed: ({ name, host, yes, no }) => `The language model ${name} (${host}) did not pass the test of a judge`
        + `${yes == null ? "" : `: it judged ${yes} of 12 true and ${no} of 12 false sentences rightly`}. Rules and a small reading model check each sentence.`,
      withdrawn: ({ name, host }) => `The language model ${name} (${host}) judged too many sentences of known truth wrongly, and is not asked any more. Rules and a small reading model check each sentence.`,
      unreachable: ({ name, host }) => `The language model ${name} (${host}) did not answer when it was tested as a judge. Rules and a small reading model check each sentence.`,
    },
  },
  ja: {
    ownWords: "出典の言葉のまま",
    fromCatalogue: "書誌情報から",
    toCard: "出典の欄へ",
    fields: {
      authors: "著者：", published: "日付：", venue: "掲載先：", title: "題名：", licence: "ライセンス：", pages: "ページ数：",
      references: "引用している資料：", cited_by: "引用元の資料：", file: "ファイル：", id: "番号：",
    },
    answering: "質問との関係",
    answersYes: "質問に答えています",
    contextWhy: "出典に裏づけはありますが、質問への答えではありません",
    answersUnknown: "質問に答えているかどうかは、この答えの作成時に確かめていません",
    methods: {
      verbatim: "語句の照合：出典にそのまま書かれています",
      "rules + cross-encoder": "規則（数値・名前・否定）と小さな読解モデル",
      rules: "規則だけ：裏づけられるような内容がありません",
      reader: "小さな読解モデル",
      metadata: "書誌情報：登録された項目をそのまま述べています",
      overview: "質問の種類：要約や比較のために、著作の冒頭を示しています",
      "leans on a withheld sentence": "前の文との関係：前提となる文が示されていません",
    },
    judged: ({ name }) => `言語モデル ${name} が根拠と読み比べました`,
    overruled: ({ name }) => `規則：言語モデル ${name} は裏づけありとしましたが、挙げた引用とは数値・単位・名前が違います`,
    notJudged: {
      timeout: "。判定役の言語モデルは時間内に答えませんでした",
      unreachable: "。判定役の言語モデルに接続できませんでした",
      unreadable: "。判定役の言語モデルの返答を読み取れませんでした",
      control: "。判定役の言語モデルが確認用の文を誤ったため、その判定は使っていません",
      "no control": "。判定役の言語モデルを確かめる文をつくれなかったため、その判定は使っていません",
      window: "。判定役の言語モデルには長すぎました",
    },
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
