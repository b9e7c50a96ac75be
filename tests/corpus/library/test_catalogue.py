"""corpus.library.catalogue: the shipped catalogue and its digests."""

from corpus.library.catalogue import entries, suggestions


def test_every_source_has_digest_and_metadata():
    listed = entries()
    ids = {entry.source.id for entry in listed}
    assert {"2202.05263", "2205.15241", "2207.10551", "2208.09392", "2212.04356"} <= {
        entry.source.url.rsplit("/", 1)[-1] for entry in listed
    }
    for entry in listed:
        source, text = entry.digest()
        assert source.kind == "digest" and source.title and source.url.startswith("https://")
        assert set(source.cited_by) <= ids and source.language in ("en", "ja")
        assert len(text.decode()) > 800


def test_whole_texts_are_those_that_may_be_passed_on_and_are_credited():
    """Each has a free licence, and author, licence and address beside it; no other text ships."""
    whole = [entry for entry in entries() if entry.text_path]
    (folder,) = {entry.text_path.parent for entry in whole}
    credits_file = folder / "CREDITS.md"
    assert set(folder.iterdir()) == {e.text_path for e in whole} | {credits_file}
    credit = credits_file.read_text(encoding="utf-8")
    for entry in whole:
        source, section = entry.source, credit.partition(f"## {entry.text_path.name}\n")[2]
        assert source.licence in ("CC BY 4.0", "CC BY-SA 4.0", "CC0 1.0"), source.id
        assert source.title in section and source.url in section and source.licence in section
        assert source.authors and all(author in section for author in source.authors)
        assert "https://creativecommons.org/licenses/" in section
        assert source.kind != "digest" and entry.digest()[0].kind == "digest"
    assert [entry.source.id for entry in whole] == ["article-en"]


def test_whole_text_is_unchanged(shared):
    shipped = {e.source.id: e.text_path for e in entries() if e.text_path}
    original = (shared / "corpus" / "article.en.md").read_bytes()
    assert shipped["article-en"].read_bytes() == original


def test_first_question_is_about_a_whole_text_and_not_measured():
    whole = {entry.source.id for entry in entries() if entry.text_path}
    first, *others = suggestions()
    assert first.source in whole and not first.measured
    assert sum(each.measured for each in others) == 31  # docs/operations.md says so


def test_article_has_digests_in_both_languages():
    assert {e.digest_language for e in entries() if e.source.kind == "article"} == {"en", "ja"}


def test_digests_copy_no_sentence_of_their_source(shared):
    """A digest shares no eight consecutive English words with a source, except titles and names."""
    sources = " ".join(p.read_text(encoding="utf-8") for p in (shared / "corpus").glob("*.*"))
    runs = set(_runs(sources))
    for entry in entries():
        body = entry.digest_path.read_text(encoding="utf-8").split("\n", 1)[1]
        names = " ".join((entry.source.title, *entry.source.authors, " and ")).lower()
        copied = [r for r in _runs(body) if r in runs and not set(r.split()) <= set(_words(names))]
        assert not [r for r in copied if not _is_title(r)], entry.source.id


def _words(text):
    return [w.strip(".,;:()[]*\"'“”").lower() for w in text.split()]


def _runs(text, n=8):
    words = [w for w in _words(text) if w]
    return [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]


def _is_title(run):
    titles = " ".join(" ".join(_words(e.source.title)) for e in entries())
    return any(part in titles for part in (run, run[: len(run) // 2], run[len(run) // 2 :]))
