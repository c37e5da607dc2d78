"""What README, decks and site have in common in reading the notebooks."""

import base64
import html
import re
from collections.abc import Mapping
from typing import Any

PICTURE = re.compile(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]+)"')


def picture(output: Mapping[str, Any]) -> tuple[str, bytes] | None:
    """Give the description and the PNG of a figure that ``plotting.show`` put on the page; None for other outputs."""
    found = PICTURE.match("".join(output.get("data", {}).get("text/html", "")))
    return (html.unescape(found[2]), base64.b64decode(found[1])) if found else None
