"""Files that were downloaded: under their hash, never a name that somebody outside chose, and the doubtful apart."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path

from mads.duos.marco.found import Download
from mads.duos.marco.reading import check


def keep(folder: str, url: str, content: bytes) -> Download:
    """Look at what came from `url`, and keep it where nobody but this user reads it, and nobody runs it."""
    seen = check(content)
    ending = mimetypes.guess_extension(seen.media) or ""
    place = Path(folder) / ("quarantine" if seen.faults else "files")
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = place / f"{seen.sha256}{ending if not seen.faults else '.quarantined'}"
    written = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    written.replace(path)
    return Download(url, str(path), seen.media, seen.sha256, len(content), seen.faults)
