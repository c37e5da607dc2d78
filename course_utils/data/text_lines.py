"""Bytes to lines of text, with an error that names the line, for public files and for your own."""


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
        A line is not UTF-8; the message gives its number.
    """
    lines = []
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n").split(b"\n"), start=1):
        try:
            lines.append(line.removesuffix(b"\r").decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{where}, line {number}: byte {error.start + 1} is not UTF-8; save the file as UTF-8."
            ) from error
    return lines
