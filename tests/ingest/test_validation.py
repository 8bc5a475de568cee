"""Checks of blocks of events: what they accept and what they report."""

import numpy as np
import pytest
import torch

from hepdensity.ingest.validation import (
    Check,
    Tolerance,
    check_kinematics,
    input_error,
    raise_first,
)
from hepdensity.physics.phase_space import rambo


def momenta(n: int = 20) -> np.ndarray:
    return rambo(n, 4, 3000.0, 600.0, torch.Generator().manual_seed(1))[0].numpy()


def test_good_events_pass() -> None:
    checks = check_kinematics(momenta(), 3000.0, 600.0, Tolerance())
    assert not any(check.bad.any() for check in checks)
    raise_first("file", 0, checks)


@pytest.mark.parametrize("shift", [0.5, 2.0], ids=["within", "beyond"])
def test_tolerance_of_momentum(shift: float) -> None:
    shifted = momenta()
    shifted[3, 0, 1] += shift * 1e-3 * 3000.0
    balance = check_kinematics(shifted, 3000.0, 600.0, Tolerance(1e-3, 1.0))[1]
    assert balance.bad.tolist() == [shift > 1 and i == 3 for i in range(20)]


@pytest.mark.parametrize("shift", [0.5, 2.0], ids=["within", "beyond"])
def test_tolerance_of_mass(shift: float) -> None:
    shell = check_kinematics(momenta(), 3000.0, 600.0 * (1 + shift * 1e-3), Tolerance(1.0, 1e-3))[2]
    assert shell.bad.all() == (shift > 1)
    assert shell.bad.any() == (shift > 1)


def test_first_event_and_first_check_are_reported() -> None:
    checks = [
        Check(np.array([False, False, True]), "late", "wait"),
        Check(np.array([False, True, False]), "early", "hurry"),
        Check(np.array([False, True, False]), "second", "queue"),
    ]
    with pytest.raises(ValueError, match=r"^file: event 12: early; hurry$"):
        raise_first("file", 10, checks)


def test_message() -> None:
    assert (
        str(input_error("a.lhe", 3, "it is wrong", "fix it"))
        == "a.lhe: event 3: it is wrong; fix it"
    )
