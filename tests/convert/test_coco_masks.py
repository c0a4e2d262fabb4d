import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as rle

from stages.convert.formats.coco import _encode
from tests.convert.frames import instance


@given(arrays(np.uint16, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.sampled_from([0, 1, 2, 9])))
def test_runs_are_those_of_pycocotools_own_encoder(masks):
    made = []
    for number in np.unique(masks[masks > 0]).tolist():
        rows, columns = np.nonzero(masks == number)
        made.append(instance(number, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)))
    whole = np.asfortranarray(masks[:, :, None] == np.array([item.id for item in made], np.uint16), dtype=np.uint8)
    expected = rle.encode(whole) if made else []
    assert [code["counts"].encode() for code in _encode(masks, made)] == [code["counts"] for code in expected]
