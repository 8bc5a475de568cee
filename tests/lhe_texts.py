"""Small LHE files as text, which tests can change."""

import numpy as np
import torch

from hepdensity.physics.phase_space import rambo

MASS = 600.0
BEAM = 1500.0
COLOURS = ((501, 502), (503, 501), (503, 504), (504, 502))
HEADER = "<header>\n<MG5ProcCard>\ngenerate g g > go go\n</MG5ProcCard>\n</header>\n"
BEAMS = f"21 21 {BEAM} {BEAM} 0 0 0 0 3 {{}}\n"
PROCESS = "2 0.1 1 1\n"
END = "</LesHouchesEvents>\n"
EVENTS = 3


def events_text(n: int = EVENTS, seed: int = 1, process_id: int = 1) -> str:
    """Distinct events gg -> two gluinos."""
    generator = torch.Generator().manual_seed(seed)
    momenta = rambo(n, 2, 2 * BEAM, MASS, generator)[0].numpy()
    return "".join(event_text(pair, process_id) for pair in momenta)


def event_text(momenta: np.ndarray, process_id: int = 1) -> str:
    """One event with gluino momenta (E, px, py, pz) [GeV], shape (2, 4)."""
    lines = [f"4 {process_id} 1 -1 -1 0.118"]
    for i, sign in enumerate((1, -1)):
        colours = "{} {}".format(*COLOURS[i])
        lines.append(f"21 -1 0 0 {colours} 0 0 {sign * BEAM} {BEAM} 0 0 1")
    for i, (energy, px, py, pz) in enumerate(momenta.tolist()):
        colours = "{} {}".format(*COLOURS[2 + i])
        lines.append(f"1000021 1 1 2 {colours} {px} {py} {pz} {energy} {MASS} 0 {1 - 2 * i}")
    return "<event>\n" + "\n".join(lines) + "\n</event>\n"


def init_text(*processes: str, announced: int | None = None) -> str:
    """An init block with lines of processes; by default, NPRUP is their number."""
    number = len(processes) if announced is None else announced
    return "<init>\n" + BEAMS.format(number) + "".join(processes) + "</init>\n"


def document(
    events: str | None = None,
    init: str | None = None,
    header: str = HEADER,
    before: str = "",
    after: str = "",
) -> str:
    """An LHE file of gg -> two gluinos.

    Args:
        events: Its events; three by default.
        init: Its init block; one process by default.
        header: Text between the first tag and the init block.
        before: Text before the first tag.
        after: Text after the last tag.
    """
    body = (init or init_text(PROCESS)) + (events_text() if events is None else events)
    return f'{before}<LesHouchesEvents version="3.0">\n{header}{body}{END}{after}'
