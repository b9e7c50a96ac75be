"""XML as a tree, read so that it can neither reach out nor blow up."""

from __future__ import annotations

import re
from html import escape
from html.entities import html5

from lxml import etree

_ENTITY = re.compile(r"&([A-Za-z_][\w.-]*);")
_XML_ENTITIES = {"amp", "lt", "gt", "quot", "apos"}


def parse(text: str, recover: bool = False) -> etree._Element:
    """The root of some XML, without namespaces, comments and processing instructions.

    No network and no DTD; entities are those of HTML, and one of the file's own making stands
    for nothing. libxml2's limits (256 levels, 10 MB a text node) stay. ``recover`` reads on
    after an error. Raises lxml's XMLSyntaxError, or ValueError where there is no element.
    """
    parser = etree.XMLParser(
        encoding="utf-8",  # whatever it declares: it has been decoded
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
        raise ValueError("it has no XML in it")
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    return root


def is_too_long(error: BaseException) -> bool:
    """Whether it is libxml2's refusal of more than 10 MB of text in one piece."""
    limited = getattr(error, "code", None) == etree.ErrorTypes.ERR_RESOURCE_LIMIT
    return limited and "text node" in str(error).lower()  # its other limits are for damage


def element_text(element: etree._Element | None) -> str:
    """All text within an element, as it stands; "" for None."""
    return "" if element is None else "".join(element.itertext())


def _character(entity: re.Match[str]) -> str:
    name = entity[1]
    return entity[0] if name in _XML_ENTITIES else escape(html5.get(f"{name};", ""))
