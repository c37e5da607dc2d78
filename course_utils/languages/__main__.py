"""For translators: ``python -m course_utils.languages export ko 01_sequence_to_sequence > 01.txt`` and back."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from course_utils.languages import catalogues
from course_utils.refusals import Stop, carry_out, read_text


def main(command_line: Sequence[str]) -> int:
    """Export, import or update catalogues, or say what is open; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m course_utils.languages", description="Catalogues of translations.")
    commands = parser.add_subparsers(dest="what", required=True)
    for what, says in (
        ("export", "write a catalogue as a plain text"),
        ("import", "take the translations out of such a text"),
        ("update", "bring catalogues up to the English of today"),
        ("status", "count the messages, and those that are not translated"),
    ):
        command = commands.add_parser(what, help=says, description=says)
        command.add_argument("language", help="its code, such as ko")
        command.add_argument("name", nargs=None if what in ("export", "import") else "?", help="01_… or course")
        if what == "export":
            command.add_argument("--open", action="store_true", help="only what is not translated")
        if what == "import":
            command.add_argument("file", type=Path)
    arguments = parser.parse_args(command_line)
    if arguments.name not in (None, *catalogues.names()):
        raise Stop(f"There is no catalogue {arguments.name}; there are {', '.join(catalogues.names())}.")
    if arguments.what == "export":
        sys.stdout.writelines(catalogues.exported(arguments.language, arguments.name, arguments.open))
    elif arguments.what == "import":
        told = catalogues.imported(arguments.language, arguments.name, read_text(arguments.file))
        print(*told, sep="\n", end="\n" * bool(told))
        return int(bool(told))
    for name in [arguments.name] if arguments.name else catalogues.names():
        if arguments.what == "update":
            catalogues.update(arguments.language, name)
        if arguments.what in ("update", "status"):
            every, still_open = catalogues.messages(name), catalogues.open_messages(arguments.language, name)
            words = sum(len(message.english.split()) for message in still_open)
            print(f"{name:40}{len(every) - len(still_open):4} of {len(every)} translated, {words:,} words to go")
    return 0


if __name__ == "__main__":
    sys.exit(carry_out(lambda: main(sys.argv[1:])))
