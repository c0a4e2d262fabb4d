import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.convert.parts import BLOCK, part_of
from stages.sdg.plan.types import TEST_START


@given(st.integers(0, 1000), st.floats(0.001, 0.999))
def test_every_block_gives_its_share_to_validation(block, share):
    parts = [part_of(block * BLOCK + offset, share) for offset in range(BLOCK)]
    assert parts.count("val") == min(max(round(share * BLOCK), 1), BLOCK - 1)
    assert set(parts) == {"train", "val"}


@pytest.mark.parametrize("count", [8, 12, 20, 32])
def test_small_sets_have_both_parts_at_the_usual_share(count):
    parts = [part_of(frame, 0.15) for frame in range(count)]
    assert 0 < parts.count("val") <= 0.25 * count


def test_test_frames_are_test_whatever_the_share():
    assert {part_of(TEST_START + offset, 0.5) for offset in range(64)} == {"test"}
