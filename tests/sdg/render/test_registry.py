from __future__ import annotations

import pytest

from stages.common.errors import SettingsError
from stages.common.settings.pictures import Renderer
from stages.sdg.render import registry
from stages.sdg.render.fake import FakeRenderer
from stages.sdg.render.registry import create_renderer, register_renderer, renderer_names

SETTINGS = Renderer(name="test")


def test_the_fake_renderer_is_made_by_its_name() -> None:
    assert isinstance(create_renderer("fake", SETTINGS), FakeRenderer)


def test_built_in_renderers_are_listed() -> None:
    assert {"blender", "fake"} <= set(renderer_names())


def test_a_registered_class_gets_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_FACTORIES", {})

    @register_renderer("wireframe")
    class Wireframe(FakeRenderer):
        def __init__(self, settings: Renderer) -> None:
            self.received = settings

    made = create_renderer("wireframe", SETTINGS)
    assert isinstance(made, Wireframe)
    assert made.received is SETTINGS
    assert "wireframe" in renderer_names()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("blendr", "renderer.backend is 'blendr', which is not a registered renderer: did you mean 'blender'?"),
        ("xyz", "renderer.backend is 'xyz', which is not a registered renderer: choose one of blender, fake, isaac"),
    ],
)
def test_an_unknown_name_is_refused_with_advice(name: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_FACTORIES", {})
    with pytest.raises(SettingsError) as raised:
        create_renderer(name, SETTINGS)
    assert str(raised.value) == sentence
