"""The file of what the judge has learnt, read once: `judge.npz`, written by `benchmarks/evaluate/train_judge.py`."""

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


@lru_cache(maxsize=1)
def kept() -> "dict[str, NDArray[Any]]":  # Any: the arrays are of several types
    """Return the arrays by name."""
    import numpy as np  # noqa: PLC0415 - on first need: `jingwei --help` does not

    with files(__package__).joinpath("judge.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        return {name: data[name] for name in data.files}
