"""Checkpoints and weights on disk."""

from pathlib import Path

import pytest
import torch
from torch import nn

from hepdensity import checkpoint


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "c.safetensors"
    groups = {"model": {"a.b": torch.arange(3.0)}, "best": {"a.b": torch.ones(3)}}
    checkpoint.save(path, groups, {"fingerprint": "x", "step": 7, "best": float("inf")})
    loaded = checkpoint.load(path, "x")
    assert loaded is not None
    assert loaded.state["step"] == 7
    assert loaded.state["best"] == float("inf")
    assert torch.equal(loaded.group("model")["a.b"], torch.arange(3.0))
    assert checkpoint.load(path, "y") is None
    assert [p.name for p in path.parent.iterdir()] == ["c.safetensors"]


def test_no_checkpoint(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path / "none", "x") is None


def test_broken_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match=r"c\.safetensors: cannot read this checkpoint"):
        checkpoint.load(path, "x")


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    checkpoint.save_weights(path, nn.Linear(2, 3), {"seed": 1})
    other = nn.Linear(2, 3)
    checkpoint.load_weights(path, other)
    with pytest.raises(ValueError, match=r"model\.safetensors: the weights do not fit"):
        checkpoint.load_weights(path, nn.Linear(3, 3))


def test_fingerprint_depends_on_settings_and_data() -> None:
    data = torch.arange(6.0).view(3, 2)
    same = checkpoint.fingerprint({"a": 1, "b": 2}, data)
    assert same == checkpoint.fingerprint({"b": 2, "a": 1}, data.clone())
    assert same != checkpoint.fingerprint({"a": 1, "b": 3}, data)
    assert same != checkpoint.fingerprint({"a": 1, "b": 2}, data.flip(0))
