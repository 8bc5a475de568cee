"""Choice of the device to compute on."""

import torch


def choose_device(name: str, key: str = "training.device") -> torch.device:
    """The device called ``name``; "auto" is a GPU if there is one.

    Args:
        name: "auto", "cpu" or "cuda".
        key: configuration key of the name, for the error message.

    Raises:
        ValueError: if the name is that of a GPU and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"{key} is '{name}', but torch finds no GPU; use 'auto' or 'cpu'")
    return torch.device(name)
