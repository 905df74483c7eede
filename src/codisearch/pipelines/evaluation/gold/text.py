"""The bytes of a gold file as text, or an error that says which encoding to set."""

import codecs
from typing import Final

from charset_normalizer import from_bytes

from codisearch.errors import InputError

_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_EARLIER: Final = ("cp1252", "mac_roman", "cp850")  # of Windows, of Macintosh, of DOS
_ACCENTED: Final = frozenset("áéíóúàèìòùâêîôûäëïöüãõñç")
_SAMPLE: Final = 1 << 14
_SETTING: Final = "evaluation.gold_encoding"


def decode(data: bytes, name: str, encoding: str | None = None) -> str:
    """Return `data` as text without a byte order mark.

    Args:
        data: The whole file.
        name: Of the file, for errors.
        encoding: A Python codec; None: UTF-8, or UTF-16 where the file begins with its mark.

    Raises:
        InputError: If `data` is not in that encoding, or the encoding does not exist.
    """
    codec = _check_codec(encoding) if encoding else "utf-16" if data.startswith(_UTF_16_MARKS) else "utf-8"
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        raise InputError(_refusal(data, error.start, name, codec)) from error
    except UnicodeError as error:  # a few codecs do not name the byte
        raise InputError(f"{name} is not {codec.upper()}: {error}; set {_SETTING}.") from error
    if "\0" in text:  # UTF-16 without its mark is well-formed UTF-8
        raise InputError(_refusal(data, max(data.find(b"\0"), 0), name, codec))
    return text.removeprefix("\ufeff")


def _check_codec(encoding: str) -> str:
    """Return `encoding` if Python has it and it is one of text."""
    try:
        info = codecs.lookup(encoding)
        "".encode(encoding)  # refuses codecs from bytes to bytes
    except (LookupError, ValueError) as error:
        raise InputError(
            f"Unknown encoding {encoding!r} in {_SETTING}: allowed are Python's text encodings, e.g. utf-8, "
            "utf-16, cp1252, latin-1."
        ) from error
    return info.name


def _refusal(data: bytes, place: int, name: str, codec: str) -> str:
    """Return the message for a byte that does not belong in `codec`."""
    line = data.count(b"\n", 0, place) + 1
    found = _probable_encoding(data, place)
    guess = f"it is probably {found}; " if found and found != codec else ""
    advice = f"{guess}set {_SETTING}={found}" if guess else f"set {_SETTING}"
    return (
        f"{name} is not {codec.upper()}: byte {place} is {data[place]:#04x} (line {line}); {advice}, "
        "or save the file as UTF-8."
    )


def _probable_encoding(data: bytes, place: int) -> str | None:
    """Return the encoding that makes most sense of the bytes around `place`.

    The detector is unsure of short texts, so the three eight-bit encodings are first compared by how many
    accented letters of the six languages they give.
    """
    if b"\0" not in data and _is_utf_8(data):
        return "utf-8"
    sample = data[max(0, place - _SAMPLE) // 2 * 2 : place + _SAMPLE]
    if b"\0" not in sample:
        letters = {
            codec: sum(map(_ACCENTED.__contains__, sample.decode(codec, "replace"))) for codec in _EARLIER
        }
        best = max(_EARLIER, key=letters.__getitem__)
        if letters[best]:
            return best
    match = from_bytes(sample).best()
    return match.encoding if match else None


def _is_utf_8(data: bytes) -> bool:
    """Tell whether the whole file is UTF-8, for where another encoding was set."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
