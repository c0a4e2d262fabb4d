import pytest

from stages.common.settings.pictures import Convert
from stages.convert.filters import reason_to_drop, sort_out
from tests.convert.frames import instance

RULES = Convert(min_visible=0.2, min_box=6, max_truncation=0.5)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (instance(1, (0, 0, 20, 20)), None),
        (instance(1, (0, 0, 20, 20), occlusion=0.8), None),  # exactly the least visible share
        (instance(1, (0, 0, 20, 20), occlusion=0.81), "hidden"),
        (instance(1, (0, 0, 6, 6)), None),  # exactly the least size
        (instance(1, (0, 0, 5, 20)), "small"),
        (instance(1, (0, 0, 20, 5)), "small"),
        (instance(1, (0, 0, 20, 20), truncation=0.5), None),
        (instance(1, (0, 0, 20, 20), truncation=0.51), "truncated"),
        (instance(1, (0, 0, 5, 5), occlusion=0.9, truncation=0.9), "hidden"),  # the first rule counts
    ],
)
def test_each_rule_and_its_border(made, reason):
    assert reason_to_drop(made, RULES) == reason


def test_sorting_out_loses_nothing():
    made = [instance(1, (0, 0, 20, 20)), instance(2, (0, 0, 3, 20)), instance(3, (5, 5, 30, 30), occlusion=0.95)]
    kept, dropped = sort_out(made, RULES)
    assert [item.id for item in kept] == [1]
    assert [(item.instance.id, item.reason) for item in dropped] == [(2, "small"), (3, "hidden")]
