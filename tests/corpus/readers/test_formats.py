"""corpus.readers.extract on PowerPoint, EPUB, JATS and saved text, with files built here."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime

import pptx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Inches

from corpus.errors import CorpusError, EmptyDocument, UnreadableText, UnsupportedContent
from corpus.readers.extract import extract
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source, text_hash
from index.ingestion.report import remarks
from tests.support.documents import headings, saved
from tests.support.paths import SHARED


def read(data: bytes | str, url: str, **options: str) -> Document:
    raw = data.encode() if isinstance(data, str) else data
    document = extract(raw, Source("s", url), **options)
    check(document)
    return document


def check(document: Document) -> None:
    """Check that each passage is a span of the document's text, on the right page."""
    text = document.text
    assert document.source.version == text_hash(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]|[^\S\n]\n|\n{3}", text)
    for section in document.sections:
        assert text.startswith(section.heading, section.start)
    passages = split_into_passages(document)
    assert passages
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        if document.pages:
            on = [page.number for page in document.pages if page.start <= passage.start < page.end]
            assert on == [passage.page]


def links(document: Document) -> list[tuple[str, str]]:
    return [(link.url, link.text) for link in document.links]


def zipped(members: dict[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def rezipped(data: bytes, changes: dict[str, bytes | str]) -> bytes:
    """Replace or add members of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()} | changes)


# --- PowerPoint --------------------------------------------------------------------------------


def deck() -> pptx.presentation.Presentation:
    show = pptx.Presentation()
    show.core_properties.title, show.core_properties.author = "Reading slides", "Jane Doe; Q Li"
    show.core_properties.created = datetime(2022, 11, 30)
    first = show.slides.add_slide(show.slide_layouts[0])
    first.shapes.title.text, first.placeholders[1].text = "Reading\vslides", "A talk"
    second = show.slides.add_slide(show.slide_layouts[1])
    right, left, top = [second.shapes.add_textbox(Inches(x), Inches(y), Inches(3), Inches(0.5))
                        for x, y in ((5, 5), (1, 5.1), (1, 1.2))]  # fmt: skip
    right.text_frame.text, left.text_frame.text, top.text_frame.text = "right", "left", "above"
    second.shapes.title.text = "Findings"
    body = second.placeholders[1].text_frame
    body.text = "One point"
    deeper = body.add_paragraph()
    deeper.text, deeper.level = "and its detail", 1
    run = left.text_frame.paragraphs[0].add_run()
    run.text, run.hyperlink.address = " paper", "https://arxiv.org/abs/2202.05263"
    second.notes_slide.notes_text_frame.text = "Say it slowly. See https://ex.com/x."
    third = show.slides.add_slide(show.slide_layouts[6])
    table = third.shapes.add_table(2, 2, Inches(1), Inches(3), Inches(5), Inches(1)).table
    for at, text in enumerate(["Model", "Recall", "small", "73.6"]):
        table.cell(at // 2, at % 2).text = text
    box = third.shapes.add_textbox(Inches(1), Inches(1), Inches(5), Inches(1))
    box.text_frame.text = "No title"
    group = third.shapes.add_group_shape()
    inner = group.shapes.add_textbox(Inches(1), Inches(5), Inches(2), Inches(1))
    inner.text_frame.text = "grouped"
    return show


def test_slides_are_read_in_visual_order() -> None:
    document = read(saved(deck()), "talk.pptx")
    assert document.text == (
        "Reading slides\n\nA talk\n\n"
        "Findings\n\nabove\n\n- One point\n  - and its detail\n\nleft paper\n\nright\n\n"
        "Say it slowly. See https://ex.com/x.\n\n"
        "No title\n\nModel | Recall\nsmall | 73.6\n\ngrouped"
    )
    assert headings(document) == [(1, "Reading slides"), (1, "Findings"), (1, "No title")]
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert links(document) == [
        ("https://arxiv.org/abs/2202.05263", "paper"),
        ("https://ex.com/x", "https://ex.com/x"),
    ]
    source = document.source
    assert (source.title, source.authors) == ("Reading slides", ("Jane Doe", "Q Li"))
    assert (source.published, source.language) == ("2022-11-30", "en")


def test_presentation_without_metadata() -> None:
    show = pptx.Presentation()
    show.slides.add_slide(show.slide_layouts[0]).shapes.title.text = "深層学習"
    show.slides[0].placeholders[1].text = "入門のための資料です。"
    source = read(saved(show), "https://ex.com/x").source
    assert (source.title, source.authors, source.published) == ("深層学習", (), "")
    assert source.language == "ja"


def test_address_at_the_end_of_a_line_does_not_take_in_the_next_line() -> None:
    """Lines of Japanese that were broken at one width are joined without a space."""
    sentence = (
        "倉庫の二階にある集会室は一九三一年から港の委員会が借りていて椅子は四十脚あり東風が"
        "吹くと煙るストーブもあるので冬の会合はどれも短いが夏には合唱団も使うことがあり秋には"
    )
    width = 36
    lines = [
        sentence[:width],
        sentence[width : 2 * width],
        sentence[: width - 14],
        "を見てほしい。",
    ]
    lines[2] += " https://example.org/minutes"  # as wide as the others
    lines = [lines[0], lines[1], lines[0], lines[2], lines[3]]
    document = extract("\n".join(lines).encode(), Source("s", "https://example.org/m.txt"))
    assert document.text.count("\n") == 1  # the others are joined
    assert [url for url, _ in links(document)] == ["https://example.org/minutes"]


def test_slide_diagrams_and_shape_links_are_read_and_footers_are_not() -> None:
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "A circle"
    arrow = slide.shapes.add_shape(1, Inches(8), Inches(6), Inches(1), Inches(1))
    arrow.click_action.hyperlink.address = "https://ex.com/next"
    table = slide.shapes.add_table(1, 3, Inches(1), Inches(5), Inches(5), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 2).text = "wide", "narrow"
    table.cell(0, 0).merge(table.cell(0, 1))
    for kind, text in (("sldNum", "1"), ("ftr", "Company"), ("dt", "2022")):
        slide.shapes._spTree.append(
            parse_xml(f"""<p:sp {nsdecls("p", "a")}><p:nvSpPr>
<p:cNvPr id="9" name="x"/><p:cNvSpPr/><p:nvPr><p:ph type="{kind}" idx="11"/></p:nvPr></p:nvSpPr>
<p:spPr/><p:txBody><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>""")
        )
    words = "".join(f"<a:p><a:r><a:t>{word}</a:t></a:r></a:p>" for word in ("plan", "do", "check"))
    diagram = f"<d:dataModel xmlns:d='x' {nsdecls('a')}>{words}<a:p/></d:dataModel>".encode()
    part = Part(PackURI("/ppt/diagrams/data1.xml"), "application/xml", slide.part.package, diagram)
    found = slide.part.relate_to(part, "diagramData")
    frame = slide.shapes.add_table(1, 1, Inches(1), Inches(2), Inches(5), Inches(1))._element
    data = frame.find(".//{*}graphicData")
    data.set("uri", "http://schemas.openxmlformats.org/drawingml/2006/diagram")
    data[:] = [
        parse_xml(f"""<dgm:relIds {nsdecls("r")} r:dm="{found}"
 xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"/>""")
    ]
    document = read(saved(show), "a.pptx")
    assert document.text == "A circle\n\n- plan\n- do\n- check\n\nwide | narrow"
    assert links(document) == [("https://ex.com/next", "")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ppt/slides/slide2.xml": "<p:sld"}, "a.pptx is a damaged PowerPoint file"),
        ({"ppt/presentation.xml": "<x/>"}, "a.pptx is a damaged PowerPoint file"),
        (
            {"ppt/media/x.bin": b"0" * 40_000_000},
            "is not an ordinary PowerPoint file .* unpack to 40",
        ),
        ({f"x/{i}": "" for i in range(20_001)}, "is not an ordinary PowerPoint file .*parts"),
    ],
)
def test_damaged_presentation_or_zip_bomb_is_refused(
    changes: dict[str, bytes | str], message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        read(rezipped(saved(deck()), changes), "a.pptx")


def test_slide_with_only_pictures_is_reported_as_gap() -> None:
    show = deck()
    Image.new("L", (1, 1)).save(picture := io.BytesIO(), "PNG")
    show.slides.add_slide(show.slide_layouts[6]).shapes.add_picture(picture, 0, 0)
    show.slides.add_slide(show.slide_layouts[6])
    (remark,) = remarks(read(saved(show), "a.pptx"))
    assert (remark.code, remark.pages) == ("slide of pictures", "4")
    said = "page 4 could not be read: pictures without text (save the slides as a PDF)"
    assert remark.words == said


def test_ppsx_slide_show_is_read() -> None:
    data = saved(deck())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        types = archive.read("[Content_Types].xml").decode()
    types = types.replace("presentation.main+xml", "slideshow.main+xml")
    assert "Findings" in read(rezipped(data, {"[Content_Types].xml": types}), "talk.ppsx").text


def test_path_traversal_in_archive_has_no_effect() -> None:
    climbing = {"../../etc/passwd": "root", "/etc/shadow": "x", "ppt\\..\\..\\x": "y"}
    assert "root" not in read(rezipped(saved(deck()), climbing), "a.pptx").text


# --- EPUB --------------------------------------------------------------------------------------

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>"""
PACKAGE = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"><metadata
 xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A Book of Reading</dc:title>
<dc:creator id="c1">Jane Doe</dc:creator><dc:creator id="c2">Max Maler</dc:creator>
<meta refines="#c1" property="role" scheme="marc:relators">aut</meta>
<meta refines="#c2" property="role" scheme="marc:relators">ill</meta>
<dc:date>2021-05-04T00:00:00Z</dc:date><dc:language>en-GB</dc:language></metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="front" href="cover.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/one%20page.xhtml" media-type="application/xhtml+xml"/>
<item id="two" href="text/two.xhtml" media-type="application/xhtml+xml"/>
<item id="pic" href="pic.svg" media-type="image/svg+xml"/>
<item id="css" href="style.css" media-type="text/css"/></manifest>
<spine><itemref idref="front"/><itemref idref="nav"/><itemref idref="two"/><itemref idref="pic"/>
<itemref idref="one" linear="no"/><itemref idref="two"/></spine></package>"""
NAV = """<?xml version="1.0" encoding="UTF-8"?><html xmlns="http://www.w3.org/1999/xhtml"
 xmlns:epub="http://www.idpf.org/2007/ops"><body><nav epub:type="toc"><ol>
<li><a href="text/two.xhtml">The second file</a></li>
<li><a href="text/one%20page.xhtml#start">On notes</a></li></ol></nav></body></html>"""
TWO = """<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<head><title/><script src="x.js"/></head><body><section epub:type="chapter"><a id="top"/>
<header><h1>Chapter 1</h1></header>
<p>It begins<a epub:type="noteref" href="#n1">1</a> here&#8212;with <i/>a
<a href="https://doi.org/10.1/x">paper</a> and <a href="one page.xhtml">a page</a>.<span
 epub:type="pagebreak" id="p2">2</span></p>
<article><p>A long article that is most of the text of this page, and yet not all of it.</p></article>
<h2>A part</h2><p>More.</p>
<aside epub:type="footnote" id="n1"><p>A note.</p></aside></section></body></html>"""
ONE = """<?xml version='1.0' encoding='Shift_JIS'?><html xmlns="http://www.w3.org/1999/xhtml">
<body><p class="title">On notes</p><p>吾輩は猫である。名前はまだ無い。</p></body></html>"""


def book(changes: dict[str, bytes | str] | None = None) -> bytes:
    parts: dict[str, bytes | str] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": PACKAGE,
        "OEBPS/nav.xhtml": NAV,
        "OEBPS/cover.xhtml": "<html><body><p>Cover words</p></body></html>",
        "OEBPS/text/one page.xhtml": ONE.encode("cp932"),
        "OEBPS/text/two.xhtml": TWO,
    }
    return zipped(parts | (changes or {}))


def test_epub_is_read_in_spine_order() -> None:
    document = read(book(), "https://ex.com/book.epub")
    assert document.text == (
        "Chapter 1\n\nIt begins here—with a paper and a page.\n\n"
        "A long article that is most of the text of this page, and yet not all of it.\n\n"
        "A part\n\nMore.\n\nA note.\n\nOn notes\n\n吾輩は猫である。名前はまだ無い。"
    )
    assert headings(document) == [(1, "Chapter 1"), (2, "A part"), (1, "On notes")]
    assert links(document) == [("https://doi.org/10.1/x", "paper")]
    source = document.source
    assert (source.title, source.authors) == ("A Book of Reading", ("Jane Doe",))
    assert (source.published, source.language) == ("2021-05-04", "en")


def test_epub_2_with_ncx_is_read() -> None:
    package = """<package xmlns="http://www.idpf.org/2007/opf" version="2.0"><metadata
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opf="http://www.idpf.org/2007/opf">
<dc:title>本</dc:title><dc:creator opf:role="trl">訳者</dc:creator>
<dc:creator opf:role="aut" opf:file-as="Natsume, Soseki">夏目 漱石</dc:creator>
<dc:date opf:event="modification">2020-01-02</dc:date>
<dc:date opf:event="publication">1905</dc:date><dc:language>ja</dc:language></metadata>
<manifest><item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>
<item id="t" href="front.html" media-type="application/xhtml+xml"/>
<item id="c" href="contents.html" media-type="application/xhtml+xml"/>
<item id="a" href="a.html" media-type="application/xhtml+xml"/></manifest>
<spine toc="ncx"><itemref idref="t"/><itemref idref="c"/><itemref idref="a"/></spine>
<guide><reference type="cover" href="front.html"/><reference type="toc" href="contents.html"/>
<reference type="text" href="a.html"/></guide></package>"""
    ncx = """<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint id="n">
<navLabel><text>第一章</text></navLabel><content src="a.html"/></navPoint></navMap></ncx>"""
    pages = {f"OEBPS/{name}.html": f"<html><body><p>{name}の文です。</p></body></html>"
             for name in ("front", "contents", "a")}  # fmt: skip
    document = read(book({"OEBPS/book.opf": package, "OEBPS/toc.ncx": ncx, **pages}), "a.epub")
    assert document.text == "第一章\n\naの文です。"
    source = document.source
    assert (source.title, source.authors) == ("本", ("夏目 漱石",))
    assert (source.published, source.language) == ("1905", "ja")


def encryption(algorithm: str, part: str) -> dict[str, bytes | str]:
    return {
        "META-INF/encryption.xml": f"""<encryption
 xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
 xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>
<enc:EncryptionMethod Algorithm="{algorithm}"/><enc:CipherData><enc:CipherReference
 URI="{part}"/></enc:CipherData></enc:EncryptedData></encryption>"""
    }


def test_epub_with_drm_is_refused_but_not_with_obfuscated_fonts() -> None:
    aes = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
    with pytest.raises(UnreadableText, match=r"a\.epub is encrypted \(DRM\).*give a copy"):
        read(book(encryption(aes, "OEBPS/text/one%20page.xhtml")), "a.epub")
    with pytest.raises(UnreadableText, match="copy protection, give"):  # without encryption.xml
        read(book({"OEBPS/text/two.xhtml": bytes(range(256)) * 40}), "a.epub")
    fonts = encryption("http://www.idpf.org/2008/embedding", "OEBPS/font.otf")
    assert "It begins" in read(book(fonts), "a.epub").text
    assert "It begins" in read(book(encryption(aes, "OEBPS/film.mp4")), "a.epub").text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"META-INF/container.xml": "<container/>"}, "damaged EPUB book .*names no package"),
        ({"META-INF/container.xml": ""}, "damaged EPUB book"),
        ({"OEBPS/book.opf": "no XML"}, "damaged EPUB book"),
        ({"OEBPS/book.opf": PACKAGE[: PACKAGE.index("<spine>")]}, "names no pages"),
        ({"OEBPS/book.opf": PACKAGE.replace("text/two.xhtml", "gone.xhtml")}, "gone.xhtml"),
        (
            {"OEBPS/book.opf": PACKAGE.replace("text/two.xhtml", "../../../../etc/passwd")},
            r"damaged EPUB book .*etc/passwd",
        ),
        (
            {"META-INF/container.xml": CONTAINER.replace("OEBPS/book.opf", "/etc/passwd")},
            r"damaged EPUB book .*etc/passwd",
        ),
        ({"OEBPS/text/two.xhtml": b"<p>" + b"a" * 60_000_000}, "not an ordinary EPUB book .*60 MB"),
    ],
)
def test_damaged_epub_or_zip_bomb_is_refused(changes: dict[str, bytes | str], message: str) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        read(book(changes), "a.epub")
    assert "a.epub" in str(caught.value) and "\n" not in str(caught.value)


def test_epub_without_text_is_empty() -> None:
    blank = "<html><body><img src='x.png'/></body></html>"
    with pytest.raises(EmptyDocument):
        read(book({"OEBPS/text/two.xhtml": blank, "OEBPS/text/one page.xhtml": blank}), "a.epub")


def test_page_listed_twice_in_spine_is_read_once() -> None:
    many = PACKAGE.replace("</spine>", '<itemref idref="two"/>' * 10_000 + "</spine>")
    assert read(book({"OEBPS/book.opf": many}), "a.epub").text.count("Chapter 1") == 1


# --- JATS --------------------------------------------------------------------------------------

JATS = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD v1.2
 20190208//EN" "JATS-archivearticle1.dtd">
<?properties open_access?>
<article xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:mml="http://www.w3.org/1998/Math/MathML"
 article-type="research-article" xml:lang="en"><front><journal-meta><journal-title-group>
<journal-title>Journal of Reading</journal-title></journal-title-group></journal-meta>
<article-meta><article-id pub-id-type="pmid">123</article-id>
<article-id pub-id-type="doi">10.1234/Jr.5</article-id>
<title-group><article-title>Reading <italic>slowly</italic><xref ref-type="fn" rid="f0"><sup>*</sup>
</xref></article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Doe</surname><given-names>Jane Q.
</given-names></name><xref ref-type="aff" rid="a1"><sup>1</sup></xref></contrib>
<contrib contrib-type="author"><name-alternatives><name name-style="eastern" xml:lang="ja"><surname>
夏目</surname><given-names>漱石</given-names></name><name><surname>Natsume</surname></name>
</name-alternatives></contrib><contrib contrib-type="author"><collab>The Reading Group
<contrib-group><contrib><name><surname>Member</surname></name></contrib></contrib-group></collab>
</contrib><contrib contrib-type="editor"><name><surname>Roe</surname></name></contrib>
</contrib-group><aff id="a1">A University</aff>
<pub-date pub-type="pmc-release"><year>2023</year></pub-date>
<pub-date pub-type="collection"><year>2022</year></pub-date>
<pub-date pub-type="epub"><day>5</day><month>3</month><year>2022</year></pub-date>
<permissions><license><license-p>CC BY, see <ext-link xlink:href="https://cc.org/by">it</ext-link>
</license-p></license></permissions>
<abstract><sec><title>Background</title><p>Little is known.</p></sec></abstract></article-meta></front>
<body><sec><label>1.</label><title>Introduction</title>
<p>It was shown<sup><xref ref-type="bibr" rid="r1">1</xref>,<xref ref-type="bibr" rid="r2">2</xref>
</sup> that Ca<sup>2+</sup> flows<xref ref-type="bibr" rid="r1"><sup>1</sup></xref>&#8211;<xref
 ref-type="bibr" rid="r2"><sup>2</sup></xref> [<xref ref-type="bibr" rid="r1">1</xref>], and again<xref
 ref-type="bibr" rid="r1"><sup>1</sup></xref><sup>,</sup><xref ref-type="bibr" rid="r2"><sup>2</sup>
</xref>. See <xref ref-type="fig" rid="g1">Figure 1</xref><fig id="g1"><label>Figure 1.</label>
<caption><title>The set-up.</title><p>Seen from above.</p></caption><alt-text>boxes</alt-text>
<graphic xlink:href="g1.tif"/></fig> and <ext-link ext-link-type="uri"
 xlink:href="https://ex.com/data">the data</ext-link>.</p>
<sec><label>1.1</label><title>Aims</title><p>We ask:</p><list list-type="order"><list-item><p>What?
</p></list-item><list-item><p>Why?</p></list-item></list>
<disp-formula><label>(1)</label><alternatives><mml:math><mml:mi>x</mml:mi><mml:mo>=</mml:mo>
<mml:mn>2</mml:mn></mml:math><tex-math>$$x=2$$</tex-math></alternatives></disp-formula><disp-formula>a &lt; b<label>(3)</label></disp-formula><disp-formula><label>(2)</label><graphic xlink:href="e2"/>
</disp-formula></sec></sec>
<sec><title>Results</title><table-wrap><label>Table 1</label><caption><p>Recall by model.</p>
</caption><table><thead><tr><th>Model</th><th>Recall<xref ref-type="table-fn" rid="t1"><sup>a</sup>
</xref></th></tr></thead><tbody><tr><td>small &alpha;</td><td>73.6</td></tr></tbody></table>
<table-wrap-foot><fn id="t1"><label>a</label><p>In percent.</p></fn></table-wrap-foot></table-wrap>
</sec></body><back><ack><title>Thanks</title><p>We thank all readers.</p></ack>
<ref-list><title>References</title><ref id="r1"><label>1</label><element-citation><article-title>A
 first work</article-title><pub-id pub-id-type="doi">10.48550/arXiv.2202.05263</pub-id>
</element-citation></ref><ref id="r2"><label>2</label><mixed-citation>Li Q. A second work. <ext-link
 xlink:href="https://ex.com/second.pdf">link</ext-link></mixed-citation></ref></ref-list></back>
<sub-article><front-stub><title-group><article-title>Review</article-title></title-group>
</front-stub><body><p>A reviewer speaks.</p></body></sub-article></article>"""


def test_jats_article() -> None:
    document = read(JATS, "PMC1.xml")
    assert document.text == (
        "Reading slowly\n\nBackground\n\nLittle is known.\n\n1. Introduction\n\n"
        "It was shown that Ca2+ flows [1], and again. See Figure 1 and the data.\n\n"
        "Figure 1. The set-up.\n\nSeen from above.\n\n1.1 Aims\n\nWe ask:\n\n1. What?\n2. Why?\n\n"
        "x=2 (1)\n\na < b (3)\n\nResults\n\nTable 1 Recall by model.\n\n"
        "Model | Recall\nsmall α | 73.6\n\na In percent.\n\nThanks\n\nWe thank all readers."
    )
    assert headings(document) == [
        (1, "Reading slowly"), (3, "Background"), (2, "1. Introduction"), (3, "1.1 Aims"),
        (2, "Results"), (2, "Thanks"),
    ]  # fmt: skip
    assert links(document) == [
        ("https://doi.org/10.1234/Jr.5", "10.1234/Jr.5"),
        ("https://ex.com/data", "the data"),
        ("https://doi.org/10.48550/arXiv.2202.05263", "A first work"),
        ("https://ex.com/second.pdf", "Li Q. A second work. link"),
    ]
    source = document.source
    assert source.title == "Reading slowly"
    assert source.authors == ("Jane Q. Doe", "夏目漱石", "The Reading Group")
    assert (source.published, source.language) == ("2022-03-05", "en")


ALONE = JATS[JATS.index("<article ") :].replace("&alpha;", "α")


def test_jats_article_within_archive_response() -> None:
    for before, after in (
        ("<pmc-articleset>", "</pmc-articleset>"),
        ('<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><record>', "</record></OAI-PMH>"),
    ):
        assert read(before + ALONE + after, "https://ex.com/oai").source.title == "Reading slowly"
    spaced = ALONE.replace("<article ", '<article xmlns="https://jats.nlm.nih.gov/ns/1.3/" ')
    assert read(spaced, "https://ex.com/x").text == read(JATS, "a.xml").text
    with pytest.raises(CorpusError, match=r"a\.xml holds 2 JATS articles: give a file for each"):
        read(f"<pmc-articleset>{ALONE}{ALONE}</pmc-articleset>", "a.xml")


def test_jats_in_other_encoding() -> None:
    article = JATS.replace("UTF-8", "EUC-JP", 1).replace("Little is known.", "日本語の要旨です。")
    assert "日本語の要旨です。" in read(article.encode("euc_jp"), "a.nxml").text


BOMB = '<!DOCTYPE article [<!ENTITY a "lol">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 30}">' for a, b in ("ab", "bc", "cd", "de", "ef")
)


def test_xml_entities_are_not_expanded_and_read_no_file() -> None:
    bomb = f'{BOMB}<!ENTITY x SYSTEM "file:///etc/passwd"> %x; ]>{ALONE}'
    used = bomb.replace("Little is known.", "Little &f;is &x;known.").replace('"g1"', '"&f;"')
    text = read(used, "a.xml").text
    assert "Little is known." in text and "lol" not in text and "root:" not in text
    inner = BOMB.replace("&", "%").replace("ENTITY ", "ENTITY % ") + " %f; ]>" + ALONE
    with pytest.raises(CorpusError, match=r"a\.xml is a damaged JATS article"):
        read(inner, "a.xml")


@pytest.mark.parametrize(
    "damaged",
    [
        JATS[: len(JATS) // 2],
        JATS.replace("</sec>", "", 1),
        JATS.replace("Little is known.", "<bold>" * 2000),
    ],
)
def test_damaged_jats_is_refused(damaged: str) -> None:
    with pytest.raises(CorpusError, match=r"a\.xml is a damaged JATS article \(.*\)") as caught:
        read(damaged, "a.xml")
    assert "\n" not in str(caught.value)


# --- names and contents ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "url", "message"),
    [
        (saved(deck()), "a.docx", "named .docx but looks like a PowerPoint file"),
        (book(), "https://ex.com/a.pptx", "named .pptx but looks like an EPUB book"),
        (JATS.encode(), "a.epub", "named .epub but looks like a JATS article"),
        (JATS.encode(), "a.pdf", "named .pdf but looks like a JATS article"),
        (saved(deck())[:3000], "a.pptx", "damaged ZIP archive or Office file"),
        (book()[:300], "a.epub", "damaged ZIP archive"),
        (zipped({"notes.txt": "hello"}), "a.epub", "looks like a ZIP archive: give a PDF"),
        (zipped({"xl/workbook.xml": "<x/>"}), "a.xlsx", "looks like an Excel file"),
        (b'<?xml version="1.0"?><!-- x --><rss><item>a</item></rss>', "a.xml", "kind (<rss>)"),
    ],
)
def test_file_that_contradicts_its_name_is_refused(data: bytes, url: str, message: str) -> None:
    with pytest.raises(UnsupportedContent, match=re.escape(message)) as caught:
        read(data, url)
    assert url in str(caught.value) and "\n" not in str(caught.value)


def test_content_decides_if_name_does_not_contradict() -> None:
    assert read(saved(deck()), "https://ex.com/download?id=1").pages
    assert read(book(), "upload.bin").source.title == "A Book of Reading"
    assert read(JATS, "https://ex.com/x", content_type="text/html").source.title == "Reading slowly"
    page = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><p>a</p></html>'
    assert read(page, "a.xml").text == "a"
    assert read("<article><h1>T</h1><p>a</p></article>", "a.html").text == "T\n\na"


# --- plain text in any encoding ----------------------------------------------------------------

CHINESE = "人工智能是计算机科学的一个分支。它企图了解智能的实质。"
KATAKANA = "コンピュータによる自然言語処理"
FRENCH = "Une réponse est sûre là où elle repose sur un passage."


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        (CHINESE, "utf-8 gb18030 gbk utf-16 utf-16-le utf-16-be"),
        ("这是一个测试文件。", "gb18030 utf-16-le utf-16-be"),
        (KATAKANA, "cp932 euc_jp iso2022_jp utf-16 utf-16-le utf-16-be"),
        ("日本語の文です。", "cp932 euc_jp iso2022_jp utf-16 utf-16-le utf-16-be"),
        ("半角のｶﾀｶﾅです。", "cp932 euc_jp iso2022_jp_ext utf-16-le"),
        (FRENCH, "utf-8 latin-1 cp1252 iso8859-15 utf-16-le utf-16-be"),
        ("It’s a “quoted” text — with dashes.", "cp1252 utf-16-be"),
    ],
)
def test_text_in_many_encodings(text: str, encodings: str) -> None:
    for encoding in encodings.split():
        assert read(f"{text}\r\n".encode(encoding), "a.txt").text == text, encoding
        assert read(text.encode(encoding), "a.txt").text == text, encoding


def test_declared_encoding_is_used_unless_it_does_not_fit() -> None:
    head = '<?xml version="1.0" encoding="{}"?><html xmlns="http://www.w3.org/1999/xhtml"><p>{}</p>'
    assert read(head.format("windows-1251", "Привет").encode("cp1251"), "a.html").text == "Привет"
    assert read(head.format("utf-16", FRENCH).encode("cp1252"), "a.html").text == FRENCH


def test_ascii_with_stray_control_character_is_not_read_as_chinese() -> None:
    assert read(f"bush hid\x02 {FRENCH}".encode("cp1252"), "a.txt").text == f"bush hid {FRENCH}"


# --- Markdown's front matter -------------------------------------------------------------------

T, TWO_NAMES = "T", ("Jane Doe", "Q Li")


@pytest.mark.parametrize(
    ("front", "title", "authors", "published", "language"),
    [
        ("title: T\nauthors:\n- Jane Doe\n- Q Li\ndate: 2022-12-31\nlang: ja-JP", T, TWO_NAMES, "2022-12-31", "ja"),
        ("title: T\nauthors:\n  - name: Jane Doe\n    site: x\n  - name: Q Li", T, TWO_NAMES, "", "en"),
        ("title: T\nauthor: {name: Jane Doe, email: x@y}\ntags: [a]", T, ("Jane Doe",), "", "en"),
        ('title: T\nauthors: [\n  Jane Doe,\n  "Li, Q"\n]', T, ("Jane Doe", "Li, Q"), "", "en"),
        ("# Written by hand\ntitle: T # note\nauthor: Doe, Jane", T, ("Doe, Jane",), "", "en"),
        ("title: >-\n  A long\n  title\nauthor: Jane Doe and Q Li", "A long title", TWO_NAMES, "", "en"),
        ("title: Foo: a bar\nauthor: 'Jane Doe'\ndate: 2022/1/2", "Foo: a bar", ("Jane Doe",), "2022-01-02", "en"),
        ("Title: T\nauthor: 夏目漱石、森鴎外\ndate: 2022年12月31日", T, ("夏目漱石", "森鴎外"), "2022-12-31", "en"),
        ("title: T\nauthor: null\ndate: January 17, 2023\nlang: ~", T, (), "2023-01-17", "en"),
        ("title: T\npublished_at: 17 Jan 2023", T, (), "2023-01-17", "en"),
        ("title: &a A B\nauthor: *a\nx: [*a, [[*a]]]", "A B", ("A B",), "", "en"),
    ],
)  # fmt: skip
def test_front_matter_in_yaml(
    front: str, title: str, authors: tuple[str, ...], published: str, language: str
) -> None:
    for newline in ("\n", "\r\n"):
        text = f"---\n{front}\n---\nBody text.".replace("\n", newline)
        for url in ("a.md", "https://ex.com/x"):
            document = read(text, url)
            source = document.source
            assert document.text == "Body text."
            assert (source.title, source.authors) == (title, authors)
            assert (source.published, source.language) == (published, language)


@pytest.mark.parametrize(
    ("front", "licence"),
    [
        ("license: mit\ntags: [a]", "mit"),
        ("licence: CC BY 4.0", "CC BY 4.0"),
        ("license:\n- mit\n- apache-2.0", "mit, apache-2.0"),
        ("title: T", ""),
    ],
)
def test_licence_in_front_matter(front: str, licence: str) -> None:
    assert read(f"---\n{front}\n---\nBody text.", "a.md").source.licence == licence


def test_front_matter_in_toml_and_text_that_is_not_front_matter() -> None:
    source = read('+++\ntitle = "T"\ndate = 2022-12-31\nauthors = ["A B"]\n+++\nx', "a.md").source
    assert (source.title, source.authors, source.published) == ("T", ("A B",), "2022-12-31")
    ruled = "---\n\nJust a rule: and text.\n\n---\n\nBody"
    assert read(ruled, "a.md").text == "Just a rule: and text.\n\nBody"


# --- a page saved as text ----------------------------------------------------------------------

FRAME = "12\n3\n\nDelete this post\n\nAre you sure?"
SAVED = f"""{FRAME}

More than 1 year has passed since last update.

猫の一年

Posted at

ogp.jpg

はじめに

吾輩は猫である。名前はまだ無い。

image.png

3

See https://ex.com/x.

おわりに

どこで生れたかとんと見当がつかぬ。

12
3
0

Register and use this site more conveniently

    You get articles that match your needs

{FRAME}"""


def test_navigation_of_saved_page_is_dropped() -> None:
    document = read(SAVED, "saved.txt")
    assert document.text == (
        "猫の一年\n\nはじめに\n\n吾輩は猫である。名前はまだ無い。\n\n3\n\nSee https://ex.com/x.\n\n"
        "おわりに\n\nどこで生れたかとんと見当がつかぬ。"
    )
    assert (document.source.title, headings(document)) == ("猫の一年", [(1, "猫の一年")])
    assert links(document) == [("https://ex.com/x", "https://ex.com/x")]
    english = f"{FRAME}\n\nA year\n\nIt was a year.\n\nIt went well.\n\n12\n3\n\nSign up\n\n{FRAME}"
    assert read(english, "saved.txt").text == "A year\n\nIt was a year.\n\nIt went well."


@pytest.mark.parametrize(
    "text",
    [
        "Row, row,\nrow your boat\ngently.\n\nMerrily.\n\nIt is a dream.\n\nRow, row,\nrow your boat\ngently.",
        "1\n2\n\nText of it.\n\nMore.\n\n1\n2",
        f"{FRAME}\n\nA year\n\nIt was a year.",
        "7",
        "7\n\n7\n\n7\n\n7",
    ],
)
def test_plain_text_that_is_not_saved_page_stays_whole(text: str) -> None:
    assert read(text, "a.txt").text == text


@pytest.mark.shared
def test_real_saved_page() -> None:
    saved_page = (SHARED / "corpus" / "article.ja.txt").read_bytes()
    document = read(saved_page, "article.ja.txt")
    assert document.source.title == "2022年の深層学習ハイライト"
    assert document.text.startswith("2022年の深層学習ハイライト\n\nはじめに\n\n2023年になって")
    assert document.text.endswith("これからも「細く長く」をモットーに続けていきます。")
    furniture = (
        "Delete|Deleted|Draft of|Are you sure|has passed|Posted at|Register as|dark theme|png|jpg"
    )
    assert not re.search(furniture, document.text)
    sentences = re.findall(r"[^。\n]+。", saved_page.decode())
    assert len(sentences) > 80 and all(sentence.strip() in document.text for sentence in sentences)


# --- anything at all ---------------------------------------------------------------------------


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_altered_archive_member_gives_document_or_corpus_error(data: st.DataObject) -> None:
    name, whole = data.draw(st.sampled_from([("a.pptx", DECK), ("a.epub", BOOK), ("a.xml", None)]))
    parts = {"": JATS.encode()} if whole is None else whole
    part = data.draw(st.sampled_from(sorted(parts)))
    raw = bytearray(parts[part])
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, max(0, len(raw) - 1)))
        end = at + data.draw(st.sampled_from([0, 1, 1, 20, 400]))
        raw[at:end] = data.draw(st.binary(max_size=12))
    changed = bytes(raw) if whole is None else zipped(parts | {part: bytes(raw)})
    try:
        read(changed, name)
    except CorpusError as error:
        assert str(error) and "\n" not in str(error)


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


DECK, BOOK = parts_of(saved(deck())), parts_of(book())
