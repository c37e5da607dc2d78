"""Bytes to lines of text, with an error that names the line, for public files and for your own."""

import io
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

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


def own_path(named: Any, function: str) -> Path:
    """Take what a reader names as a path, or say what is needed."""
    if not isinstance(named, str | os.PathLike):
        raise ValueError(f"{function}: name a file or folder, as a text or a Path; got {type(named).__name__}.")
    return Path(named)


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
    lines: Iterable[bytes] = file
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
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) or abs(even - odd) > len(head) / 8:
        encoding = "UTF-32" if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")) else "UTF-16"
        raise ValueError(
            f"{where}, line 1: byte 1 is not UTF-8; save the file as UTF-8 (it is {encoding}, which Windows calls "
            f"Unicode: {_convert(encoding)})."
        )


def _how_to_convert(line: bytes) -> str:
    """Name the Windows encoding in which a line reads well, if there is one."""
    for encoding, convert_from, name, reads_well in ENCODINGS:
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError:
            continue
        if reads_well(text):
            word = next(word for word in re.split(r"[\s,;]+", text) if not word.isascii())
            return f" (it reads as {name}: {word[:40]!r}; {_convert(convert_from)})"
    return " (its encoding is not known here: open it with the program that wrote it)"


def _convert(encoding: str) -> str:
    return f"in an editor choose Save as, encoding UTF-8, or run: iconv -f {encoding} -t UTF-8 OLD > NEW"


def _only(script: str) -> Callable[[str], bool]:
    """Make a test for a text of one script: beside its letters no accented ones, and none that touches a Latin one.

    Read in a wrong encoding, most texts have words of two scripts, or capitals within a word.
    """

    def reads_well(text: str) -> bool:
        foreign = [letter for letter in text if letter.isalpha() and not letter.isascii()]
        mixed = re.search(rf"[A-Za-z][{script}]|[{script}][A-Za-z]", text)
        capitals_within = any(a.islower() and b.isupper() for a, b in pairwise(text))
        return bool(foreign and not mixed and not capitals_within and re.fullmatch(f"[{script}]+", "".join(foreign)))

    return reads_well


def _latin(text: str) -> bool:
    return all(letter.isascii() or letter.isalpha() or letter in "“”„‘’‚–—…€«»§°´·¿¡\u00a0" for letter in text)


ENCODINGS = (
    ("euc_kr", "CP949", "Korean Windows-949", _only("가-힣")),
    ("cp932", "CP932", "Japanese Windows-932", _only("ぁ-ヿ一-龥々")),
    ("cp1251", "WINDOWS-1251", "Cyrillic Windows-1251", _only("А-яЁёІіЇїЄєҐґ")),
    ("cp1253", "WINDOWS-1253", "Greek Windows-1253", _only("Ͱ-Ͽ")),
    ("gbk", "GBK", "Chinese Windows-936", _only("一-龥")),
    ("cp1252", "WINDOWS-1252", "Windows-1252 (Western European)", _latin),
    ("cp1250", "WINDOWS-1250", "Windows-1250 (Central European)", _latin),
)
