"""Shows what was built in the browser, from this machine and to this machine alone."""

import functools
import http.server
import webbrowser
from pathlib import Path


def serve(folder: Path, page: str) -> None:
    """Serve a folder on 127.0.0.1, open one page of it, and go on until Ctrl-C."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        address = f"http://127.0.0.1:{server.server_port}/{page}"
        print(f"{address}   (Ctrl-C ends)", flush=True)
        webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
