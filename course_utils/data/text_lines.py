"""Bytes to lines of text, with an error that names the line, for public files and for your own."""

import io
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

HEAD = 2**16
# How a file that is no plain text begins, and what it is.
NO_TEXT = {
    b"PK\x03\x04": "a zip archive, or an Excel or Word document",
    b"\xd0\xcf\x11\xe0": "an older Excel or Word document",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
    b"{\\rtf": "formatted text (RTF)",
}


def text_lines(raw: bytes, where: object) -> list[str]:
    """Decode UTF-8 and cut it at line feeds only.

    A byte order mark and carriage returns before a line feed are dropped. No-break spaces, line separators and the like
    stay where they are: ``str.splitlines`` would cut sentences there.

    Parameters
    ----------
    raw
        The content of a file.
    where
        Its name, for the error.

    Raises
    ------
    ValueError
        A line is not UTF-8, or all of it is no plain text; the message gives the line and how to convert it.
    """
    return list(_decoded(io.BytesIO(raw), where))


def own_lines(path: Path) -> Iterator[str]:
    """Read the lines of a file of the reader's own, one by one, as ``text_lines`` does.

    Raises
    ------
    OSError
        There is no such file, it is a folder, or it must not be read; one sentence.
    ValueError
        It is no regular file, or no text in UTF-8.
    """
    with open_own(path) as file:
        yield from _decoded(file, path)


def open_own(path: Path) -> io.BufferedIOBase:
    """Open a file of the reader's own for reading bytes, or say in one sentence why it cannot be read."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(f"{path} is a folder, but a file is needed; name the file in it.")
        if not stat.S_ISREG(mode):  # a named pipe would wait for ever
            raise ValueError(f"{path} is not a regular file (it is a pipe, a socket or a device); name another one.")
        return path.open("rb")
    except FileNotFoundError as error:
        if path.is_symlink():
            raise FileNotFoundError(f"{path} is a link to a file that is not there; remove or correct it.") from error
        raise FileNotFoundError(
            f"No such file or directory: '{path}' (asked for in {Path.cwd()}); correct the name or the folder."
        ) from error
    except PermissionError as error:
        raise PermissionError(f"Permission denied: '{path}'; get the right to read it, or take it out.") from error
    except OSError as error:
        if error.errno is None:  # a sentence of ours
            raise
        raise OSError(f"{path} cannot be read ({error.strerror}); name another file.") from error


def _decoded(file: io.BufferedIOBase, where: object) -> Iterator[str]:
    head = file.read(HEAD)
    _check_head(head, where)
    file.seek(3 if head.startswith(b"\xef\xbb\xbf") else 0)
    lines = file
    if b"\r" in head and b"\n" not in head:  # line ends of old Macs
        lines = iter(re.split(rb"\r\n?|\n", re.sub(rb"(\r\n?|\n)\Z", b"", file.read())))
    for number, line in enumerate(lines, start=1):
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{where}, line {number}: byte {error.start + 1} is not UTF-8; save the file as UTF-8"
                f"{_how_to_convert(line)}."
            ) from error


def _check_head(head: bytes, where: object) -> None:
    for begins, what in NO_TEXT.items():
        if head.startswith(begins):
            raise ValueError(f"{where} is {what}, not plain text; unpack or export it as plain text in UTF-8.")
    even, odd = head[0::2].count(0), head[1::2].count(0)  # UTF-16 writes a Latin letter as itself and a zero
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or abs(even - odd) > len(head) / 8:
        raise ValueError(
            f"{where}, line 1: byte 1 is not UTF-8; save the file as UTF-8 (it is UTF-16, which Windows calls Unicode: "
            "in an editor choose Save as, encoding UTF-8, or run: iconv -f UTF-16 -t UTF-8 OLD > NEW)."
        )


def _how_to_convert(line: bytes) -> str:
    """Name the Windows encoding in which a line reads well, if there is one."""
    for encoding, name, reads_well in ENCODINGS:
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError:
            continue
        foreign = [letter for letter in text if ord(letter) > 127]
        if reads_well(text, foreign):
            word = next(word for word in re.split(r"[\s,;]+", text) if not word.isascii())
            return (
                f" (it reads as {name}: {word[:40]!r}; in an editor choose Save as, encoding UTF-8, or run: "
                f"iconv -f {encoding.upper()} -t UTF-8 OLD > NEW)"
            )
    return " (its encoding is not known here: open it with the program that wrote it)"


def _mostly(first: str, last: str) -> Callable[[str, list[str]], bool]:
    return lambda _, foreign: sum(first <= letter <= last for letter in foreign) > 0.8 * len(foreign)


def _is_cyrillic(text: str, foreign: list[str]) -> bool:
    in_words = re.search(r"[а-яё]{3}", text, re.IGNORECASE) and not re.search(r"[a-z][а-я]|[а-я][a-z]", text)
    return bool(in_words) and _mostly("Ё", "ё")("", foreign)


def _is_latin(_text: str, foreign: list[str]) -> bool:
    return all(letter.isalpha() or letter in "“”„‘’‚–—…€«»§°´·¿¡\u00a0" for letter in foreign)


ENCODINGS = (
    ("cp949", "Korean Windows-949", _mostly("가", "힣")),
    ("cp932", "Japanese Windows-932", _mostly("\u3041", "\u30ff")),
    ("cp1251", "Cyrillic Windows-1251", _is_cyrillic),
    ("cp1252", "Windows-1252 (Western European)", _is_latin),
    ("cp1250", "Windows-1250 (Central European)", _is_latin),
)
