"""Statistics of a few runs against values worked by hand, and the forest plot."""

import math

import pytest
from scipy.stats import t

from lcv_mm.reproduce.paper import comparisons_of
from lcv_mm.reproduce.summary import Difference, difference, draw_differences


def test_a_difference_has_welchs_interval_and_p():
    # means 4 and 1, variances 1 and 4 of 3 and 3 values: squared error of the difference 1/3 + 4/3 = 5/3, degrees of
    # freedom (5/3)^2 / ((1/3)^2 / 2 + (4/3)^2 / 2) = 50/17
    value = difference([3.0, 4.0, 5.0], [-1.0, 1.0, 3.0])
    error, freedom = math.sqrt(5 / 3), 50 / 17
    half = error * t.ppf(0.975, freedom)
    assert value.mean == pytest.approx(3)
    assert value.interval == pytest.approx((3 - half, 3 + half))
    assert value.p == pytest.approx(2 * t.sf(3 / error, freedom))


@pytest.mark.parametrize('theirs', [[1.0], [1.0, 2.0], [2.0, 2.0, 2.0]])
def test_two_runs_of_a_side_give_no_interval_nor_do_runs_without_spread(theirs):
    assert difference([5.0, 5.0, 5.0], theirs) == Difference(5 - sum(theirs) / len(theirs))
    assert difference(theirs, [5.0, 5.0, 5.0]) == Difference(sum(theirs) / len(theirs) - 5)


def test_a_difference_is_bold_where_its_interval_excludes_zero():
    assert Difference(3.0, (1.0, 5.0), 0.01).text(1) == '**+3.0** (+1.0 to +5.0)'
    assert Difference(-3.0, (-7.0, 1.0), 0.2).text(1) == '-3.0 (-7.0 to +1.0)'


def test_no_label_of_a_forest_plot_is_cut_off():
    longest = max((comparison.question for comparison in comparisons_of(['lcv_hbp_resnet18_warblers112'])), key=len)
    figure = draw_differences([(longest, Difference(1.0, (0.5, 1.5), 0.01)), ('b', Difference(-2.0))], 'accuracy')
    figure.draw_without_rendering()
    for text in figure.axes[0].get_yticklabels():
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.axes[0].get_window_extent().x0  # left of the axis
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    (interval,) = [line for line in figure.axes[0].lines if line.get_marker() == '|']
    assert list(interval.get_xdata()) == [0.5, 1.5]
