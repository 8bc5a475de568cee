"""Where to compute."""

import torch


def choose_device(name: str, key: str = "training.device") -> torch.device:
    """The device called ``name``; "auto" takes a GPU where there is one.

    Args:
        name: "auto", "cpu" or "cuda".
        key: where the configuration says so, for the message.

    Raises:
        ValueError: if a GPU is asked for and there is none.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"{key} is '{name}', but torch sees no GPU: use 'auto' or 'cpu'")
    return torch.device(name)
