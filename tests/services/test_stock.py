"""The stock follows the relays' pace: quickly up, by halves down, and never out of its bounds."""

from hypothesis import given
from hypothesis import strategies as st
from support.routes import Still

from mailer.services.stock import LEAST_PER_LINE, MOST_PER_LINE, SECONDS, Stock


def after(stock: Stock, clock: Still, letters: int, seconds: float) -> int:
    """What is wanted once so many letters were worked off in so many seconds."""
    clock.move(seconds)
    stock.worked_off(letters)
    return stock.wanted


def test_it_begins_small_and_grows_with_the_first_turns() -> None:
    clock = Still()
    stock = Stock(8, clock)
    assert stock.wanted == 8 * LEAST_PER_LINE
    assert after(stock, clock, 16, 0.125) == 16 * 8 * SECONDS
    assert after(stock, clock, 2000, 0.2) == 8 * MOST_PER_LINE


def test_a_slow_relay_leaves_little_waiting() -> None:
    """Ten mails a second: what is urgent waits for two seconds, not for a hundred."""
    clock = Still()
    stock = Stock(8, clock)
    after(stock, clock, 5000, 1)
    sizes = [after(stock, clock, 1, 0.1) for _ in range(9)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 8 * MOST_PER_LINE // 2, "one slow turn is no slow relay"
    assert sizes[-1] == 8 * LEAST_PER_LINE


@given(
    lines=st.integers(1, 100),
    turns=st.lists(st.tuples(st.integers(0, 100_000), st.floats(0, 3600)), max_size=20),
)
def test_it_stays_within_its_bounds(lines: int, turns: list[tuple[int, float]]) -> None:
    clock = Still()
    stock = Stock(lines, clock)
    for letters, seconds in turns:
        wanted = after(stock, clock, letters, seconds)
        assert lines * LEAST_PER_LINE <= wanted <= lines * MOST_PER_LINE
