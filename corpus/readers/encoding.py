"""Bytes of text to a string, whatever encoding they are in."""

from __future__ import annotations

import codecs
import re

import charset_normalizer

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_XML = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)""")
_HEADER = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a]")
_EAST_ASIAN = re.compile(r"[\n\r\x20-\x7e\u3000-\u30ff\u4e00-\u9fff\uff01-\uff9f]")
_KANA = re.compile(r"[\u3000-\u30ff]")  # and the punctuation of print
_WIDE = ["utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le"]
_SAMPLE = 200_000


def decode(data: bytes, content_type: str = "") -> str | None:
    """The text of some bytes, or None where they are not text.

    A byte-order mark decides, then UTF-8, which nothing else looks like by chance, then what
    the page or the HTTP header declares, then what the bytes look like.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _checked(data.decode(encoding, "replace"))
    if b"\0" in data:
        return _checked(_wide_cjk(data) or _wide(data))
    if b"\x1b$" in data:  # ISO-2022-JP is made of ASCII bytes, so it would pass as UTF-8
        texts = (_tolerant(data, each) for each in ("iso2022_jp_2", "iso2022_jp_ext"))
        return _checked(next((text for text in texts if text is not None), None))
    for encoding in ("utf-8", *_declared(data, content_type)):
        text = _tolerant(data, encoding)
        if text is not None:
            return _checked(text)
    return _checked(_surrogates(data) or _wide_cjk(data) or _japanese(data) or _guessed(data))


def _surrogates(data: bytes) -> str | None:
    """UTF-8 as Java and MySQL write it, 😀 as two surrogates; None where it is not that."""
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    # To UTF-16 and back makes one character of each pair; half a pair is none.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _declared(data: bytes, content_type: str) -> list[str]:
    """The encodings that the page and the header name, as far as Python knows them."""
    heads = [_XML.match(data[:4096]), _META.search(data[:4096])]
    names = [match[1].decode() for match in heads if match]
    names += _HEADER.findall(content_type)
    known = []
    for name in names:
        # What calls itself Shift_JIS or Latin-1 is Microsoft's superset of it, as in browsers.
        name = {"shift_jis": "cp932", "x-sjis": "cp932", "iso-8859-1": "cp1252"}.get(
            name.lower(), name
        )
        try:
            codec = codecs.lookup(name)
            # What is in UTF-16 has a mark or zeros; where it has neither, its head is mistaken.
            if codec._is_text_encoding and not codec.name.startswith(("utf-16", "utf-32")):
                known.append(name)
        except LookupError:
            continue
    return known


def _tolerant(data: bytes, encoding: str) -> str | None:
    """Decoded text, or None where more than a stray byte or two does not fit the encoding."""
    text = data.decode(encoding, "replace")
    bad = text.count("\ufffd")
    if not bad:
        return text
    foreign = sum(char > "\x7f" for char in text) - bad
    allowed = foreign // (10 if encoding == "utf-8" else 50)  # UTF-8 is never met by chance
    cut_short = bad == 1 and text.endswith("\ufffd")
    return text if bad <= allowed or (cut_short and foreign) else None


def _japanese(data: bytes) -> str | None:
    """Text in Shift_JIS or EUC-JP; it shows by its kana, which other text has none of."""
    best, best_share = None, 0.15
    for encoding in ("cp932", "euc_jp"):
        text = _tolerant(data, encoding)
        if text is None:
            continue
        foreign = re.sub(r"[\x00-\x7f]", "", text[:_SAMPLE])
        share = len(re.findall(r"[\u3041-\u30ff]", foreign)) / max(1, len(foreign))
        if share > best_share:
            best, best_share = text, share
    return best


def _wide(data: bytes) -> str | None:
    """UTF-16 without its mark: in text with any ASCII, every other byte is often zero."""
    sample = data[:_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    lopsided = min(even, odd) <= len(sample) / 1000 and max(even, odd) >= len(sample) / 20
    if not lopsided or len(data) % 2:
        return None
    return _tolerant(data, "utf-16-le" if odd > even else "utf-16-be")


def _wide_cjk(data: bytes) -> str | None:
    """UTF-16 without its mark, and with little ASCII: nearly all of it is kana and kanji.

    Some of its bytes are control characters, as in no text of another encoding. Two letters of
    ASCII together would pass for a kanji; so some must be kana, or many bytes no ASCII.
    """
    sample = data[:_SAMPLE]
    if len(data) % 2 or not _CONTROLS.search(sample):
        return None
    foreign = sum(byte > 0x7F for byte in sample) * 5 > len(sample)
    for encoding in ("utf-16-le", "utf-16-be"):
        text = _tolerant(data, encoding)
        if text is None or len(_EAST_ASIAN.findall(text)) * 20 < len(text) * 19:
            continue
        if foreign or len(_KANA.findall(text)) * 20 > len(text):
            return text
    return None


def _guessed(data: bytes) -> str | None:
    # Any two bytes are a character of UTF-16, which was looked for before.
    sample = _CONTROLS.sub(b"", data[:_SAMPLE])  # a single one makes it give up
    matches = charset_normalizer.from_bytes(sample, cp_exclusion=_WIDE)
    best = matches.best()
    if best is None:
        return None
    # Of equally good guesses it returns the first by name, which is seldom the commonest.
    same = [match for match in matches if match.chaos <= best.chaos]
    western = any("cp1252" in (m.encoding, *m.could_be_from_charset) for m in same)
    return data.decode("cp1252" if western else best.encoding, "replace")


def _checked(text: str | None) -> str | None:
    """The text, unless it has more control characters than text has."""
    if text is None:
        return None
    controls = len(re.findall(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]", text[:_SAMPLE]))
    return text if controls <= 2 + min(len(text), _SAMPLE) / 100 else None
