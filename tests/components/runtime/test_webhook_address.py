from __future__ import annotations

from pathlib import Path

import pytest

from components.runtime.webhook_address import webhook_url
from gan.errors import ConfigError


def test_the_webhook_comes_from_a_file_where_no_variable_gives_it(tmp_path: Path) -> None:
    file = tmp_path / "GAN_WEBHOOK_URL"
    named = {"GAN_WEBHOOK_FILE": str(file)}
    assert webhook_url({}) is None
    assert webhook_url(named) is None, "a Secret that is not there is mounted as an empty folder"
    file.write_text("")
    assert webhook_url(named) is None
    file.write_text("https://hooks.example/b\n")
    assert webhook_url(named) == "https://hooks.example/b"
    assert webhook_url({**named, "GAN_WEBHOOK_URL": "https://hooks.example/a"}) == "https://hooks.example/a"
    with pytest.raises(ConfigError, match="which can't be read"):
        webhook_url({"GAN_WEBHOOK_FILE": str(tmp_path)})
