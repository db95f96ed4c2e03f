from __future__ import annotations

import importlib

import gan.errors
from gan.errors import GanError, Stopped, unknown_file, unknown_name


def classes(root: type[BaseException]) -> list[type[BaseException]]:
    return [root, *(each for child in root.__subclasses__() for each in classes(child))]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = gan.errors.__doc__ or ""
    importlib.import_module("gan.data.prepare.image")  # whose error belongs to the tree
    for error in classes(GanError):
        if not error.__module__.startswith("gan."):
            continue  # the pipelines have one of their own, which carries a step's exit code
        line = next(line for line in drawn.splitlines() if error.__name__ in line)
        if "exit_code" in vars(error):
            assert f" {error.exit_code} " in f"{line} "


def test_exit_codes_tell_errors_apart() -> None:
    codes = [error.exit_code for error in classes(GanError) if "exit_code" in vars(error)]  # type: ignore[attr-defined]
    assert len(codes) == len(set(codes))


def test_a_signal_is_not_an_error_that_a_handler_would_swallow() -> None:
    stopped = Stopped(15, "resume with: x")
    assert not isinstance(stopped, Exception)
    assert stopped.exit_code == 143
    assert stopped.advice == "resume with: x"


def test_unknown_name_offers_the_nearest_and_all() -> None:
    assert unknown_name("loss", "hing", ["minimax", "hinge"]) == (
        'unknown loss "hing"; did you mean "hinge"? Known: hinge, minimax'
    )
    assert unknown_name("loss", "zzz", [], "Add one") == 'unknown loss "zzz". Known: none. Add one'


def test_what_looks_like_a_path_is_taken_for_one() -> None:
    known = ["mnist", "digits"]
    for path in ("mine.yaml", "mine.yml", "configs/mine"):
        assert unknown_file("config", path, known) == (
            f"there is no file {path}; give the path of a YAML file, or the name of a config: digits, mnist"
        )
    assert 'unknown config "mnits"; did you mean "mnist"?' in unknown_file("config", "mnits", known)
