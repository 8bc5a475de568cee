"""Independent random streams from one seed."""

import hashlib

import torch
from torch import Generator


def stream(seed: int, name: str, device: torch.device | str = "cpu") -> Generator:
    """A generator on ``device`` that depends only on the seed and on the name of its use."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return Generator(device=device).manual_seed(int.from_bytes(digest[:7], "big"))
