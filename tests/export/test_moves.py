"""Moves: what may be asked for, and by how much latents move."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.errors import ConfigError
from gan.export import latents, moves
from gan.export.directions import Direction
from gan.export.moves import DirectedMove, Move

E = np.eye(6)


@pytest.mark.parametrize(
    ("text", "move"),
    [
        ("Smiling=+2", Move("Smiling", 2, 2)),
        ("3=-1.5", Move("3", -1.5, -1.5)),
        ("Wearing_Hat=0", Move("Wearing_Hat", 0, 0)),
        ("a=b=1e0", Move("a=b", 1, 1)),
        ("two words=2..2", Move("two words", 2, 2)),
        ("Smiling=-3..3", Move("Smiling", -3, 3)),
        ("Smiling=+3..-.5", Move("Smiling", 3, -0.5)),
        ("Smiling=-10..10", Move("Smiling", -10, 10)),
    ],
)
def test_a_move_is_a_name_and_an_amount_or_two(text: str, move: Move) -> None:
    assert moves.parse([text]) == (move,)
    assert move.is_sweep == (move.start != move.end)


@pytest.mark.parametrize("text", ["", "Smiling", "=2", "Smiling=", "Smiling=two", "Smiling=1..2..3", "Smiling=1-2"])
def test_anything_else_is_explained(text: str) -> None:
    with pytest.raises(ConfigError, match=rf'NAME=AMOUNT, such as Smiling=\+2, or NAME=START..END.*got "{text}"'):
        moves.parse([text])


@pytest.mark.parametrize(("amount", "got"), [("11", "11"), ("-10.5", "-10.5"), ("nan", "nan"), ("-3..inf", "inf")])
def test_an_amount_out_of_range_is_refused(amount: str, got: str) -> None:
    with pytest.raises(ConfigError, match=f"Smiling must be between -10 and 10 standard deviations.*got {got}"):
        moves.parse([f"Smiling={amount}"])


@pytest.mark.parametrize(
    ("texts", "keep", "message"),
    [
        (["a=1", "b=2", "a=3"], [], "--direction a is given 2 times"),
        (["a=1..2", "b=2..3"], [], r"only one --direction can be START..END.*a=1\.\.2 and b=2\.\.3"),
        ([], ["a"], "--keep a needs a --direction"),
        (["a=1"], ["b", "a"], "a is given for --direction and for --keep"),
    ],
)
def test_what_contradicts_itself_is_refused(texts: list[str], keep: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        moves.parse(texts, keep)


@given(start=st.floats(-10, 10), end=st.floats(-10, 10), rows=st.integers(1, 4), columns=st.integers(2, 9))
def test_a_row_moves_in_even_steps_and_only_along_its_direction(
    start: float, end: float, rows: int, columns: int
) -> None:
    points = latents.draw(rows, 6, 0).repeat(columns, axis=0)
    moved = DirectedMove(Move("a", start, end), E[2], 0.9).applied(points, columns)
    assert moved.dtype == np.float32
    change = (moved - points).reshape(rows, columns, 6)
    np.testing.assert_allclose(change[..., 2], np.tile(np.linspace(start, end, columns), (rows, 1)), atol=1e-5)
    np.testing.assert_array_equal(np.delete(change, 2, axis=2), 0.0)


def test_a_kept_direction_is_left_out_and_the_rest_has_length_one() -> None:
    slanted = Direction((E[0] + E[1]) / np.sqrt(2), 0.9, 0.5)
    np.testing.assert_allclose(moves.directed(Move("a", 1, 1), slanted, {}).vector, slanted.vector)
    np.testing.assert_allclose(moves.directed(Move("a", 1, 1), slanted, {"b": E[1]}).vector, E[0], atol=1e-12)
    with pytest.raises(ConfigError, match="--direction a is nearly the same as --keep b"):
        moves.directed(Move("a", 1, 1), slanted, {"b": slanted.vector})
