"""SLHA texts: decays that are impossible are refused before Pythia drops them without a word."""

import pytest

from hepdensity.generate.slha import DECOUPLED, Decay, Particle, shared, slha_text

GLUINO, NEUTRALINO = 1000021, 1000022


def entries(text: str, block: str) -> list[str]:
    after = text.split(f"BLOCK {block}\n")[1]
    return after.split("BLOCK")[0].split("DECAY")[0].splitlines()


def test_masses_and_decays() -> None:
    decays = shared((NEUTRALINO, 1, -1), (NEUTRALINO, 2, -2))
    text = slha_text({GLUINO: Particle(1400, decays, 2.5), NEUTRALINO: Particle(1100)})
    masses = dict(map(str.split, entries(text, "MASS")))
    assert float(masses["1000021"]) == 1400
    assert float(masses["1000022"]) == 1100
    assert float(masses["1000006"]) == DECOUPLED
    lines = text.splitlines()
    first = lines.index("DECAY 1000021 2.5")
    assert lines[first + 1 : first + 3] == [" 0.5 3 1000022 1 -1", " 0.5 3 1000022 2 -2"]
    assert lines[first + 3] == "DECAY 1000022 0"


@pytest.mark.parametrize(
    ("particles", "problem"),
    [
        ({6: Particle(173)}, "6 is not the code of a sparticle"),
        ({GLUINO: Particle(9, (Decay(0.4, (1, -1)),))}, "add up to 0.4"),
        (
            {GLUINO: Particle(1400, shared((NEUTRALINO, 6, -6))), NEUTRALINO: Particle(1100)},
            "cannot decay to 1000022 6 -6, which need 1446 GeV",
        ),
        ({GLUINO: Particle(1400, shared((NEUTRALINO, 1, -1)))}, "which need 30000 GeV"),
    ],
)
def test_impossible_models(particles: dict[int, Particle], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        slha_text(particles)
