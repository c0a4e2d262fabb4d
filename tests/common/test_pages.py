from __future__ import annotations

import base64
import json
from pathlib import Path

import jinja2
import pytest

from stages.common.pages import data_uri, environment

NASTY = {"a": '</script><script>alert("1")</script>', "b": "<!--", "c": "é & ' \u2028"}


def test_a_data_uri_holds_the_bytes() -> None:
    head, _, text = data_uri(b"\x00\xff", "image/png").partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(text) == b"\x00\xff"


def test_data_cannot_end_their_script_and_read_back(tmp_path: Path) -> None:
    (tmp_path / "page.html.j2").write_text("<script>{{ data | tojson }}</script><p>{{ data.a }}</p>")
    page = environment(tmp_path).get_template("page.html.j2").render(data=NASTY)
    assert page.count("</script>") == 1
    assert "<!--" not in page
    assert json.loads(page[len("<script>") : page.index("</script>")]) == NASTY
    assert "&lt;/script&gt;&lt;script&gt;" in page


def test_a_name_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.html.j2").write_text("{{ nothing }}")
    with pytest.raises(jinja2.UndefinedError):
        environment(tmp_path).get_template("page.html.j2").render()
