"""Pictures that people upload to be shown in place: what is one, and how large it may be."""

from __future__ import annotations

from mainstay.kernel.errors import TooLarge, Unsupported

LARGEST = 1024 * 1024
_BEGIN = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}


def check(name: str, kind: str, content: bytes, largest: int = LARGEST) -> None:
    """Raises ``Unsupported`` or ``TooLarge`` where the content is not a picture that browsers show."""
    if len(content) > largest:
        raise TooLarge(f"{name} is larger than {largest // 1024} KiB.")
    known = content.startswith(_BEGIN.get(kind, ())) and (kind != "image/webp" or content[8:12] == b"WEBP")
    if not known:
        raise Unsupported(f"{name} is not a picture. Send a PNG, JPEG, GIF or WebP file.")
