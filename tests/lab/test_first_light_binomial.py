"""The exact binomial band, against values worked out by hand or known from tables."""

import math

import pytest

from e2e.play.binomial import Band, band, below, chance


@pytest.mark.parametrize(
    ("count", "trials", "p", "expected"),
    [
        pytest.param(5, 10, 0.5, 252 / 1024, id="half of ten"),
        pytest.param(0, 10, 0.1, 0.9**10, id="none of ten"),
        pytest.param(2, 4, 0.25, 6 * 0.0625 * 0.5625, id="two of four"),
        pytest.param(11, 10, 0.5, 0.0, id="more than there are"),
        pytest.param(0, 10, 0.0, 1.0, id="never, and none came"),
        pytest.param(1, 10, 0.0, 0.0, id="never, and one came"),
        pytest.param(10, 10, 1.0, 1.0, id="always"),
    ],
)
def test_the_chance_of_a_count_is_exact(count: int, trials: int, p: float, expected: float) -> None:
    """It is the binomial coefficient times the powers, not an approximation."""
    assert chance(count, trials, p) == pytest.approx(expected, rel=1e-12)


def test_all_chances_sum_to_one() -> None:
    """Nothing is lost, for many trials too."""
    assert below(5001, 5000, 0.1) == pytest.approx(1.0, rel=1e-9)


def test_a_tail_is_the_sum_of_its_counts() -> None:
    """P(X < 3) of 10 tosses is (1 + 10 + 45) / 1024."""
    assert below(3, 10, 0.5) == pytest.approx(56 / 1024, rel=1e-12)


@pytest.mark.parametrize(
    ("trials", "p", "outside", "expected"),
    [
        # P(X < 2) = 11/1024 = 0.0107 and P(X < 3) = 0.0547: at most 0.025 leaves out 0 and 1.
        pytest.param(10, 0.5, 0.05, Band(2, 8), id="ten tosses at 95 %"),
        # P(X < 10) is 0.0214 and P(X < 11) 0.0494: the known 95 % band of 30 tosses.
        pytest.param(30, 0.5, 0.05, Band(10, 20), id="thirty tosses at 95 %"),
        pytest.param(5, 0.5, 1e-6, Band(0, 5), id="too few to tell anything"),
        pytest.param(1000, 0.0, 1e-6, Band(0, 0), id="weight 0 means none"),
        pytest.param(1000, 1.0, 1e-6, Band(1000, 1000), id="weight 100 means all"),
        pytest.param(0, 0.1, 1e-6, Band(0, 0), id="no request"),
    ],
)
def test_the_band_has_known_ends(trials: int, p: float, outside: float, expected: Band) -> None:
    """Its ends are the last counts before half of `outside` is used up."""
    assert band(trials, p, outside) == expected


def test_each_end_leaves_out_as_much_as_it_may_and_no_more() -> None:
    """Beyond each end lies at most half of 1e-6, and one count more would be too much."""
    trials, p = 2000, 0.1
    found = band(trials, p)
    assert below(found.low, trials, p) <= 5e-7 < below(found.low + 1, trials, p)
    upper = 1 - p
    assert below(trials - found.high, trials, upper) <= 5e-7 < below(trials - found.high + 1, trials, upper)


def test_the_band_is_about_five_deviations_wide() -> None:
    """With many requests it comes near the normal distribution's 4.89 sigmas."""
    found = band(2000, 0.1)
    sigma = math.sqrt(2000 * 0.1 * 0.9)
    assert (found.high - found.low) / 2 / sigma == pytest.approx(4.89, abs=0.1)
    assert found.holds(200)
    assert not found.holds(found.high + 1)


@pytest.mark.parametrize(("trials", "p"), [(10, 1.5), (10, -0.1), (-1, 0.5)])
def test_what_is_no_distribution_is_refused(trials: int, p: float) -> None:
    """A share beyond 0..1 is a mistake of the caller."""
    with pytest.raises(ValueError, match="no binomial distribution"):
        band(trials, p)
