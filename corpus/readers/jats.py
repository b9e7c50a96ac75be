"""The reader for JATS XML, the format of articles in PubMed Central and publishers' archives.

Elements are renamed in place to the HTML elements that mean the same, and the tree is then read
as an HTML page. The list of references is not read as text, but as links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from corpus.document_errors import DamagedFile, FileTooLarge
from corpus.errors import CorpusError
from corpus.readers.html import read_tree
from corpus.readers.safe_xml import element_text, is_too_long, parse
from corpus.text.blocks import Block, ParsedDocument, iso_date, one_line
from corpus.types import Link

_HREF = "{http://www.w3.org/1999/xlink}href"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_SECTIONS = frozenset(
    "abstract trans-abstract sec ack app app-group glossary notes fn-group bio boxed-text".split()
)
_DROPPED = frozenset(
    "ref-list sub-article response object-id permissions index-term alt-text long-desc"
    " annotation annotation-xml alt-title sec-meta processing-meta".split()
)
_AS_HTML = {
    **dict.fromkeys(("abstract", "trans-abstract", "sec", "ack", "app"), "section"),
    **dict.fromkeys(("fig", "table-wrap", "boxed-text", "supplementary-material"), "figure"),
    **dict.fromkeys(("caption", "disp-formula", "disp-formula-group", "statement"), "div"),
    **dict.fromkeys(("fn", "fn-group", "table-wrap-foot", "glossary", "notes", "bio"), "div"),
    **dict.fromkeys(("media", "verse-group", "verse-line", "speech", "attrib", "label"), "div"),
    **dict.fromkeys(("preformat", "code"), "pre"),
    "disp-quote": "blockquote",
    "list-item": "li",
    "def-list": "dl",
    "term": "dt",
    "def": "dd",
    "break": "br",
}
_FLOATS = ("fig", "fig-group", "table-wrap", "table-wrap-group", "boxed-text", "fn")
_NOTE_MARKS = frozenset("bibr fn table-fn".split())
_SEPARATOR = re.compile(r"\s*[,;\u2013-]?\s*")
# By preference: the day on which the article came out, then the issue's, then the archive's.
_DATES = ("epub", "pub", "epub-ppub", "ppub", "collection")
_NOT_DATES = frozenset({"pmc-release", "nihms-submitted", "retracted", "corrected"})
_CJK_NAME = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def read_jats(text: str, name: str) -> ParsedDocument:
    """Read a JATS XML article into headings, paragraphs, links and metadata.

    The links are the article's own DOI, then those in the text, then those of its references.

    Args:
        text: The XML.
        name: What error messages call the file.

    Raises:
        CorpusError: It is damaged, or does not hold exactly one article.
    """
    try:
        root = parse(text)
    except (etree.XMLSyntaxError, ValueError) as error:
        if is_too_long(error):
            raise FileTooLarge(f"{name} has a paragraph of more than 10 MB: split it") from error
        reason = one_line(getattr(error, "msg", str(error)))
        raise DamagedFile(
            f"{name} is a damaged JATS article ({reason}): save it again or find another copy"
        ) from error
    articles = [each for each in root.iter("article") if each.find("front") is not None]
    if len(articles) != 1:
        raise CorpusError(f"{name} holds {len(articles)} JATS articles: give a file for each")
    return _parsed(articles[0])


def _parsed(article: etree._Element) -> ParsedDocument:
    links = [*_own_doi(article)]
    cited = [link for ref in article.iterfind(".//ref") for link in _reference(ref)]
    dates = sorted(_dates(article))
    authors = tuple(dict.fromkeys(filter(None, map(_author, _contributors(article)))))
    _remove_note_marks(article)
    title = one_line(element_text(article.find("front/article-meta/title-group/article-title")))
    body = read_tree(_as_page(article))
    return ParsedDocument(
        [*([Block(title, 1)] if title else []), *body.blocks],
        links=[*links, *body.links, *cited],
        title=title,
        authors=authors,
        published=dates[0][1] if dates else "",
        language=(article.get(_LANG) or "")[:2].lower(),
    )


def _own_doi(article: etree._Element) -> Iterator[Link]:
    for each in article.iterfind("front/article-meta/article-id[@pub-id-type='doi']"):
        if doi := element_text(each).strip():
            yield Link(_doi_url(doi), doi)


def _doi_url(doi: str) -> str:
    return f"https://doi.org/{doi[doi.find('10.') :]}"


def _contributors(article: etree._Element) -> list[etree._Element]:
    """Find the authors, or if there are none, the editors, translators and so on."""
    everyone = article.findall("front/article-meta/contrib-group/contrib")
    return [each for each in everyone if each.get("contrib-type", "author") == "author"] or everyone


def _author(contrib: etree._Element) -> str:
    """Format a name: given name first; in Chinese and Japanese, family name first, unspaced."""
    name = next(contrib.iter("name", "string-name", "collab"), None)
    if name is None:
        return ""
    if name.tag == "collab":  # a group, whose members may be listed within
        parts = (
            element_text(part) + (part.tail or "") for part in name if part.tag != "contrib-group"
        )
        return one_line((name.text or "") + "".join(parts))
    family = one_line(element_text(name.find("surname")))
    given = one_line(element_text(name.find("given-names")))
    if not family:
        return one_line(given or element_text(name))
    if name.get("name-style") == "eastern" or _CJK_NAME.search(family):
        return f"{family}{given}" if _CJK_NAME.search(family) else f"{family} {given}".strip()
    return f"{given} {family}".strip()


def _dates(article: etree._Element) -> Iterator[tuple[int, str]]:
    """Yield ISO dates of publication, each after its rank; the lowest rank is preferred."""
    for each in article.iterfind("front/article-meta/pub-date"):
        kind = each.get("pub-type") or each.get("date-type") or "pub"
        parts = [element_text(each.find(unit)).strip() for unit in ("year", "month", "day")]
        whole = parts[: parts.index("")] if "" in parts else parts
        found = iso_date(each.get("iso-8601-date") or "-".join(whole))
        if found and kind not in _NOT_DATES:
            yield _DATES.index(kind) if kind in _DATES else len(_DATES), found


def _reference(ref: etree._Element) -> Iterator[Link]:
    """Yield the links of an entry in the list of references, DOI and arXiv before URLs."""
    citation = next(ref.iter("mixed-citation", "element-citation", "citation"), ref)
    title = one_line(element_text(next(ref.iter("article-title"), citation)))
    for each in ref.iter("pub-id", "article-id"):
        value = element_text(each).strip()
        if value and each.get("pub-id-type") == "doi":
            yield Link(_doi_url(value), title)
        elif value and each.get("pub-id-type") == "arxiv":
            yield Link(f"https://arxiv.org/abs/{value.removeprefix('arXiv:')}", title)
    for each in ref.iter("ext-link", "uri"):
        if url := _target(each):
            yield Link(url, title)


def _target(element: etree._Element) -> str:
    """Return the URL of an external link, or "" if it has none."""
    target = (element.get(_HREF) or element_text(element)).strip()
    if element.get("ext-link-type") == "doi" or target.startswith("10."):
        return _doi_url(target)
    return target if target.startswith(("http://", "https://")) else ""


def _remove_note_marks(article: etree._Element) -> None:
    """Remove superscript numbers of notes and references, which would become part of a word.

    Numbers in brackets, such as [12], stay.
    """
    marks: list[etree._Element] = []
    for sup in article.iter("sup"):
        xref = sup if sup.getparent().tag != "xref" else sup.getparent()
        inner = next(iter([xref] if xref.tag == "xref" else xref.iter("xref")), None)
        before = sup.getprevious()
        if inner is not None and inner.get("ref-type") in _NOTE_MARKS:
            marks.append(xref)
        elif (
            marks
            and before is marks[-1]
            and not before.tail
            and _SEPARATOR.fullmatch(element_text(sup))
        ):
            marks.append(sup)  # the comma between two marks
    all_marks = set(marks)
    for mark in marks:
        if mark.getnext() in all_marks and _SEPARATOR.fullmatch(mark.tail or ""):
            mark.tail = None
        mark.clear(keep_tail=True)


def _as_page(article: etree._Element) -> etree._Element:
    """Convert abstracts, body and back matter to a tree of HTML elements."""
    page = etree.Element("div")
    page.extend(article.findall("front/article-meta/abstract"))
    page.extend(article.findall("front/article-meta/trans-abstract"))
    for part in ("body", "back", "floats-group"):
        page.extend(article.findall(part))
    for element in page.iter(*_DROPPED):
        element.clear(keep_tail=True)
    _free_floats(page)
    for formula in page.iter("math"):
        _tidy_formula(formula)
    for label in list(page.iter("label")):
        _join_to_next(label)
    for title in page.iter("title", "subtitle"):
        above = sum(each.tag in _SECTIONS for each in title.iterancestors())
        heads = title.getparent().tag in _SECTIONS and title.tag == "title"
        title.tag = f"h{min(above + 1, 6)}" if heads else "p"
    for element in page.iter(etree.Element):
        if element.tag == "list":
            element.tag = "ol" if element.get("list-type") == "order" else "ul"
        elif element.tag in ("ext-link", "uri"):
            element.tag = "a"
            element.set("href", _target(element))
        else:
            element.tag = _AS_HTML.get(element.tag, element.tag)
    return page


def _free_floats(page: etree._Element) -> None:
    """Move figures, tables and notes that are nested in a paragraph to after the paragraph."""
    last: dict[etree._Element, etree._Element] = {}
    for floating in list(page.iter(*_FLOATS)):
        around = None
        for each in floating.iterancestors():
            if each.tag in _FLOATS:
                break
            around = each if each.tag == "p" else around
        if around is not None:
            anchor = etree.Element("span")
            anchor.tail, floating.tail = floating.tail, None
            floating.getparent().replace(floating, anchor)
            last.get(around, around).addnext(floating)
            last[around] = floating


def _tidy_formula(math: etree._Element) -> None:
    """Remove a formula's second copy in TeX, and spaces between its symbols."""
    alternatives = math.getparent()
    for tex in alternatives.findall("tex-math"):
        tex.clear(keep_tail=True)
    for part in math.iter():
        if part.tag != "mtext":
            part.text = (part.text or "").strip()
        part.tail = part.tail if part is math else (part.tail or "").strip()


def _join_to_next(label: etree._Element) -> None:
    """Put "Figure 1" or "2.3" at the start of the title or paragraph that it labels."""
    name, parent, following = one_line(element_text(label)), label.getparent(), label.getnext()
    while following is not None and following.tag == "caption":
        following = next(iter(following), None)
    if parent.tag == "disp-formula":  # its number is printed at the right
        alone = one_line(element_text(parent)) == name  # the formula is a picture
        etree.SubElement(parent, "span").text = "" if alone else f" {name}"
    elif name and following is not None and following.tag in ("title", "p"):
        following.text = f"{name} {(following.text or '').lstrip()}"
    else:
        return
    label.clear(keep_tail=True)
    label.tag = "span"
