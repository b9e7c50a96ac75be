"""Detection of the character encoding of text files and web pages, and decoding by it."""

from __future__ import annotations

import codecs
import re

import charset_normalizer

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, because it begins with that one's mark
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_XML = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)""")
_HEADER = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a]")
_EAST_ASIAN = re.compile(r"[\n\r\x20-\x7e\u3000-\u30ff\u4e00-\u9fff\uff01-\uff9f]")
_KANA = re.compile(r"[\u3000-\u30ff]")  # and Japanese punctuation
_WIDE = ["utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le"]
_SAMPLE = 200_000


def decode(data: bytes, content_type: str = "") -> str | None:
    """Decode the bytes of a text file; None if they are not text.

    The encoding is the one of the byte-order mark; else UTF-8, if the bytes are valid, since
    text in another encoding almost never is; else the one that the page or the HTTP header
    declares; else it is guessed from the bytes.

    Args:
        data: The bytes of the file.
        content_type: The HTTP header ``Content-Type``, if there was one.
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
    """Decode UTF-8 as Java and MySQL write it (an emoji as two surrogates), or return None."""
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    # A round trip through UTF-16 joins each pair and drops half of one.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _declared(data: bytes, content_type: str) -> list[str]:
    """List the encodings that the page and the header declare and that Python knows."""
    heads = [_XML.match(data[:4096]), _META.search(data[:4096])]
    names = [match[1].decode() for match in heads if match]
    names += _HEADER.findall(content_type)
    known = []
    for name in names:
        # As in browsers, Shift_JIS and Latin-1 mean Microsoft's supersets of them.
        name = {"shift_jis": "cp932", "x-sjis": "cp932", "iso-8859-1": "cp1252"}.get(
            name.lower(), name
        )
        try:
            codec = codecs.lookup(name)
            # UTF-16 has a byte-order mark or zero bytes; without either, the header is wrong.
            if codec._is_text_encoding and not codec.name.startswith(("utf-16", "utf-32")):
                known.append(name)
        except LookupError:
            continue
    return known


def _tolerant(data: bytes, encoding: str) -> str | None:
    """Decode text by an encoding; None if more than a stray byte or two does not fit it."""
    text = data.decode(encoding, "replace")
    bad = text.count("\ufffd")
    if not bad:
        return text
    foreign = sum(char > "\x7f" for char in text) - bad
    allowed = foreign // (10 if encoding == "utf-8" else 50)  # nothing else is valid UTF-8
    cut_short = bad == 1 and text.endswith("\ufffd")
    return text if bad <= allowed or (cut_short and foreign) else None


def _japanese(data: bytes) -> str | None:
    """Decode Shift_JIS or EUC-JP; None if the result has too few kana to be Japanese."""
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
    """Decode UTF-16 without a byte-order mark: where there is ASCII, every other byte is 0."""
    sample = data[:_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    lopsided = min(even, odd) <= len(sample) / 1000 and max(even, odd) >= len(sample) / 20
    if not lopsided or len(data) % 2:
        return None
    return _tolerant(data, "utf-16-le" if odd > even else "utf-16-be")


def _wide_cjk(data: bytes) -> str | None:
    """Decode UTF-16 without a byte-order mark that is nearly all kana and kanji, or None.

    Some of its bytes are control characters, which text in other encodings does not have. Two
    ASCII letters could pass for one kanji, so there must be kana, or many bytes above 0x7F.
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
    # UTF-16 is excluded, since any two bytes are valid in it; it was tried before.
    sample = _CONTROLS.sub(b"", data[:_SAMPLE])  # charset_normalizer gives up at a single one
    matches = charset_normalizer.from_bytes(sample, cp_exclusion=_WIDE)
    best = matches.best()
    if best is None:
        return None
    # Of equally good guesses it returns the first by name; prefer the most common encoding.
    equally_good = [match for match in matches if match.chaos <= best.chaos]
    western = any("cp1252" in (m.encoding, *m.could_be_from_charset) for m in equally_good)
    return data.decode("cp1252" if western else best.encoding, "replace")


def _checked(text: str | None) -> str | None:
    """Return the text, or None if it has too many control characters to be text."""
    if text is None:
        return None
    controls = len(re.findall(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]", text[:_SAMPLE]))
    return text if controls <= 2 + min(len(text), _SAMPLE) / 100 else None
