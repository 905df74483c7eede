"""Encodings."""

import codecs

import pytest

from codisearch.errors import InputError
from codisearch.pipelines.evaluation.gold.text import decode

TEXT = "query,code\nfiebre con tensión,I10\nniño con fractura de tráquea,S12\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    ],
)
def test_unicode_is_read(data: bytes) -> None:
    """UTF-8, and with a byte order mark UTF-16, need no setting; the mark is no part of the text."""
    assert decode(data, "gold.csv") == TEXT


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850"])
def test_eight_bit_encodings_are_named(encoding: str) -> None:
    """The first byte that is not UTF-8 is the ó of the second line, the 28th of the file."""
    byte = f"{'ó'.encode(encoding)[0]:#04x}"
    message = rf"^gold.csv is not UTF-8: byte 27 is {byte} \(line 2\); it is probably {encoding}; "
    with pytest.raises(InputError, match=message + f"set evaluation.gold_encoding={encoding}, or"):
        decode(TEXT.encode(encoding), "gold.csv")


def test_utf_16_without_its_mark_is_named() -> None:
    """ASCII in UTF-16 is well-formed UTF-8 with a null in every other place."""
    with pytest.raises(InputError, match=r"byte 1 is 0x00 .* it is probably utf_16_le"):
        decode(TEXT.replace("ó", "o").replace("ñ", "n").replace("á", "a").encode("utf-16-le"), "gold.csv")


def test_bytes_of_no_encoding_still_name_the_setting() -> None:
    """Without a guess the message still says what to set."""
    with pytest.raises(InputError, match=r"byte 0 is 0xff .* set evaluation.gold_encoding"):
        decode(bytes([0xFF, 0x81, 0x00, 0x8D]), "gold.csv")
    with pytest.raises(InputError, match=r"is not CP1252: byte 1 is 0x81 \(line 1\); set evaluation"):
        decode(b"\xf3\x81", "gold.csv", "cp1252")  # the guess would be the same again


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "UTF-16-LE", "utf-8"])
def test_encoding_that_is_set_is_used(encoding: str) -> None:
    """Any text encoding of Python will do."""
    assert decode(TEXT.encode(encoding), "gold.csv", encoding) == TEXT


def test_encoding_that_is_set_and_does_not_fit_is_refused() -> None:
    """A file that is UTF-8 after all is said to be so."""
    with pytest.raises(InputError, match=r"is not ASCII: byte 27 is 0xc3 .* probably utf-8"):
        decode(TEXT.encode(), "gold.csv", "ascii")


@pytest.mark.parametrize("encoding", ["klingon", "hex", "rot13", "a\0b", "undefined"])
def test_unknown_encodings_are_refused(encoding: str) -> None:
    """A codec that does not exist, or does not turn bytes into text, is refused."""
    with pytest.raises(InputError, match=r"Unknown encoding .* allowed are Python's text encodings"):
        decode(b"query,code", "gold.csv", encoding)


def test_codec_that_names_no_byte_is_refused() -> None:
    """A few codecs fail without a place."""
    with pytest.raises(InputError, match=r"gold.csv is not IDNA"):
        decode(b"xn--0", "gold.csv", "idna")
