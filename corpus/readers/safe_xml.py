"""An XML parser for untrusted files: no network, no DTD, no entity expansion."""

from __future__ import annotations

import re
from html import escape
from html.entities import html5

from lxml import etree

_ENTITY = re.compile(r"&([A-Za-z_][\w.-]*);")
_XML_ENTITIES = {"amp", "lt", "gt", "quot", "apos"}


def parse(text: str, recover: bool = False) -> etree._Element:
    """Parse untrusted XML to a tree without namespaces, comments and processing instructions.

    HTML's entities are known; one that the file declares itself is replaced by nothing.
    libxml2's limits of 256 levels and 10 MB a text node hold.

    Args:
        text: The XML, decoded.
        recover: Read on after a syntax error.

    Returns:
        The root element.

    Raises:
        lxml.etree.XMLSyntaxError: It is not well-formed, or beyond a limit.
        ValueError: There is no element.
    """
    parser = etree.XMLParser(
        encoding="utf-8",  # not what it declares: it has been decoded
        recover=recover,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    root = etree.fromstring(_ENTITY.sub(_character, text).encode("utf-8", "replace"), parser)
    if root is None:
        raise ValueError("there is no XML in it")
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    return root


def is_too_long(error: BaseException) -> bool:
    """Whether an error is libxml2's refusal of more than 10 MB of text in one element."""
    limited = getattr(error, "code", None) == etree.ErrorTypes.ERR_RESOURCE_LIMIT
    return (
        limited and "text node" in str(error).lower()
    )  # other limits mean that the file is damaged


def element_text(element: etree._Element | None) -> str:
    """Return all text within an XML element, unchanged; "" for None."""
    return "" if element is None else "".join(element.itertext())


def _character(entity: re.Match[str]) -> str:
    name = entity[1]
    return entity[0] if name in _XML_ENTITIES else escape(html5.get(f"{name};", ""))
