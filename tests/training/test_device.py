"""The choice of a device."""

import pytest
import torch

from hepdensity.training.device import choose_device


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_missing_gpu_is_reported() -> None:
    with pytest.raises(ValueError, match=r"generation\.device is 'cuda', but torch finds no GPU"):
        choose_device("cuda", "generation.device")


def test_auto_takes_what_there_is() -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert choose_device("auto").type == expected
    assert choose_device("cpu").type == "cpu"
