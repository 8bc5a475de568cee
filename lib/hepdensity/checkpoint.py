"""Checkpoints and weights in safetensors files (tensors and a JSON header, no pickles)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from hepdensity.files import atomic_path

_META = "hepdensity"


@dataclass(frozen=True)
class Checkpoint:
    """Everything a training needs to continue as if it had never stopped."""

    tensors: dict[str, Tensor]
    state: dict[str, Any]

    def group(self, prefix: str) -> dict[str, Tensor]:
        """Tensors whose names start with ``prefix.``, with the prefix removed."""
        start = prefix + "."
        return {k.removeprefix(start): v for k, v in self.tensors.items() if k.startswith(start)}


def fingerprint(settings: Any, *data: Tensor) -> str:
    """Identify work by its settings (representable in JSON) and its data."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for part in data:
        digest.update(part.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save(path: Path, groups: Mapping[str, Mapping[str, Tensor]], state: dict[str, Any]) -> None:
    """Write a checkpoint to a temporary file and rename it to ``path``.

    Args:
        path: file to write.
        groups: tensors by group and name.
        state: numbers and strings.
    """
    tensors = {
        f"{group}.{name}": tensor.detach().cpu().contiguous().clone()
        for group, named in groups.items()
        for name, tensor in named.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        _write(temporary, tensors, {_META: json.dumps(state)})


def load(path: Path, fingerprint: str) -> Checkpoint | None:
    """Read a checkpoint of the same training.

    Args:
        path: file written by ``save``.
        fingerprint: identifies data, model, settings and code; a checkpoint with another
            fingerprint is not used.

    Returns:
        The checkpoint, or None if there is none or it belongs to another training.

    Raises:
        ValueError: if the file is not a readable checkpoint.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads((file.metadata() or {}).get(_META, "{}"))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path}: cannot read this checkpoint ({error}); delete it") from error
    return Checkpoint(tensors, state) if state.get("fingerprint") == fingerprint else None


def save_weights(path: Path, model: torch.nn.Module, provenance: Mapping[str, Any]) -> None:
    """Write the weights and buffers of a model with their provenance."""
    tensors = {k: v.detach().cpu().contiguous().clone() for k, v in model.state_dict().items()}
    with atomic_path(path) as temporary:
        _write(temporary, tensors, {"provenance": json.dumps(provenance)})


def load_weights(path: Path, model: torch.nn.Module) -> None:
    """Load weights into a model.

    Raises:
        ValueError: if the file is unreadable or its weights do not fit the model.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        model.load_state_dict(tensors)
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path}: the weights do not fit the configured model: {error}") from error


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    # Files written by safetensors itself are readable only by their owner, despite the umask.
    path.write_bytes(to_bytes(tensors, metadata))
