// What the page says of a problem, by the code that the service gives it; where there are no words here, the
// service's own are shown. Reasons why a document could not be read are in `notRead`.

import { addWords } from "./i18n.js";

addWords({
  en: {
    problems: {
      upload: "The upload did not arrive whole. Add the files again.",
      no_conversation: "This conversation does not exist. It may have been deleted.",
      not_here: "This is no longer here; it may have been deleted. Reload the page.",
      stopped: "This answer was stopped, or is too old to go on. Ask the question again.",
      no_index: "There is nothing to search yet. Add a source first.",
      index_mismatch: "The search index does not fit this library. Whoever runs Tenkyo has to rebuild it.",
      source: "This source cannot be read. Check its address, or add it as a file.",
    },
  },
  ja: {
    problems: {
      question: "質問を読み取れません。4,000文字以内の文章で入力してください。",
      text: "文章を確認できません。短くするか、書き直してください。",
      collection_exists: "同じ名前のコレクションがあります。別の名前にしてください。",
      collection_name: "この名前は使えません。80文字以内の名前にしてください。",
      upload: "ファイルを受け取れませんでした。もう一度追加してください。",
      upload_too_large: "ファイルが100 MBを超えています。分割してから追加してください。",
      too_many_jobs: "読み込み待ちがいっぱいです。しばらくしてからもう一度追加してください。",
      busy_now: "混み合っているか、準備中です。しばらくしてからもう一度お試しください。",
      job_ended: "この読み込みはすでに終わっています。",
      request: "この操作はできませんでした。ページを再読み込みして、もう一度お試しください。",
      model_fixed: "使う言語モデルは設定で固定されています。変更は管理者に依頼してください。",
      model_key: "キーに使えない文字が含まれています。もう一度コピーして貼り付けてください。",
      no_model: "この言語モデルは接続されていません。別のモデルを選ぶか、接続し直してください。",
      expired: "このリンクはもう使えません。期限が切れたか、共有が取り消されています。送ってくれた人に新しいリンクをもらってください。",
      stopped: "この回答は停止されたか、時間がたって再開できません。もう一度質問してください。",
      no_collection: "このコレクションは見つかりません。名前が変わったか、削除された可能性があります。選び直してください。",
      no_link: "共有された会話が見つかりません。リンクが途中で切れていないか確かめてください。切れていなければ、会話は削除されています。",
      no_conversation: "この会話はありません。削除された可能性があります。",
      not_here: "見つかりません。削除された可能性があります。ページを再読み込みしてください。",
      no_index: "検索できる資料がまだありません。資料を追加してください。",
      index_mismatch: "検索用の索引がライブラリと合っていません。管理者に再作成を依頼してください。",
      store: "ライブラリを読み書きできません。管理者にサーバーのログの確認を依頼してください。",
      embedder_changed: "検索用のモデルが索引の作成時と変わっています。管理者に、再起動と索引の再作成を依頼してください。",
      search_model: "検索や照合に使うモデルを利用できません。少し待ってもう一度お試しください。続く場合は、管理者に連絡してください。",
      model: "言語モデルを使えませんでした。もう一度お試しください。続く場合は、別のモデルを選んでください。",
      source: "この資料は読み込めません。アドレスを確かめるか、ファイルとして追加してください。",
      error: "サーバーで問題が起きました。もう一度お試しください。続く場合は、管理者に連絡してください。",
    },
  },
});
