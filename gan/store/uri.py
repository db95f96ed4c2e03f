"""Paths and URIs that users give."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from gan.errors import ConfigError

THIS_MACHINE = ("", "localhost")
BUCKETS = ("gs", "s3")


def is_bucket(uri: str) -> bool:
    """Whether a URI is of a bucket: `gs://...` or `s3://...`."""
    scheme, mark, _ = uri.partition("://")
    return bool(mark) and scheme.lower() in BUCKETS


def local_path(uri: str, flag: str) -> Path | None:
    """The local file or folder that a path or `file://` URI names; None for a URI of another scheme.

    In a path, only a leading `~` or `~user` is expanded. A `file://` URI is absolute and percent-encoded.

    Args:
        uri: `./store`, `~/store`, `file:///tmp/my%20store` or `file://localhost/tmp/store`.
        flag: for the message: the flag it was given as, such as `--store`.

    Raises:
        ConfigError: it is empty, on another machine, or in the home of an unknown user.
    """
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return _expanded(uri, flag)
    if scheme.lower() != "file":
        return None
    host, slash, below = rest.partition("/")
    if host.lower() not in THIS_MACHINE:
        raise ConfigError(
            f'{flag} must be a path or a file:// URI of this machine, such as file:///tmp/x; "{uri}" '
            f'names the machine "{host}"'
        )
    if not slash:
        raise ConfigError(f'{flag} must be a path or a file:// URI, such as file:///tmp/x; "{uri}" has no path')
    return _without_nul(f"/{unquote(below)}", flag)


def _expanded(path: str, flag: str) -> Path:
    if not path:
        raise ConfigError(f'{flag} must be a path or a file:// URI, such as ./x or file:///tmp/x; got ""')
    try:
        return _without_nul(path, flag).expanduser()
    except RuntimeError:
        user = path.partition("/")[0]
        raise ConfigError(
            f'{flag}: no user is called {user}, in "{path}"; write the path out, or ./{path} for a folder of that name'
        ) from None


def _without_nul(path: str, flag: str) -> Path:
    if "\0" in path:
        raise ConfigError(f"{flag} must be a path; {path!r} contains a zero byte")
    return Path(path)
