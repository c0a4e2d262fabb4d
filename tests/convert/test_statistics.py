import pytest

from stages.convert.statistics import bin_name


@pytest.mark.parametrize(
    ("value", "name"), [(0, "<16"), (15.9, "<16"), (16, "16-32"), (31.9, "16-32"), (64, ">=64"), (1e9, ">=64")]
)
def test_bins_are_closed_below(value, name):
    assert bin_name((16, 32, 64), value) == name
