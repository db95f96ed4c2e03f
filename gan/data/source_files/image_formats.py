"""The image formats that are read, and the names of their files."""

from __future__ import annotations

EXTENSIONS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".gif": "GIF",
}
FORMATS = tuple(sorted(set(EXTENSIONS.values())))
