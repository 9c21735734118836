"""Which characters the bytes of an answer are: BOM, else the HTTP charset, else the XML declaration, else UTF-8."""

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Text codecs of Python that no server means, some of them slow on purpose-made input.
_NOT_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")


class Unreadable(ValueError):
    """The bytes are not text in the charset they claim."""


def charset(data: bytes, content_type: str) -> tuple[str, int]:
    """Find the charset, and how many bytes of BOM to skip."""
    for bom, name in _BOMS:
        if data.startswith(bom):
            return name, len(bom)
    told = _CHARSET.search(content_type)
    if told:
        return told[1], 0
    declared = _XML_ENCODING.match(data)
    return (declared[1].decode("ascii"), 0) if declared else ("utf-8", 0)


def text_of(data: bytes, content_type: str) -> str:
    """Read the bytes of an answer as text."""
    name, skip = charset(data, content_type)
    try:
        if codecs.lookup(name).name not in _NOT_CHARSETS:
            return data[skip:].decode(name)  # not codecs.decode: that would unpack "zlib", without any bound
    except UnicodeError as error:
        raise Unreadable(f"the answer is not text in {name}") from error
    except LookupError as error:
        raise Unreadable(f"the charset {name!r} is not known") from error
    raise Unreadable(f"the charset {name!r} is not one of the web's")
