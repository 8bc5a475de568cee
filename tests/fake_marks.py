"""Find the marks of values that are not finite in a figure."""

from matplotlib.axes import Axes
from matplotlib.text import Annotation


def marks(axes: Axes, colour: str, along: str = "y") -> list[tuple[str, float, float]]:
    """Text, position and edge (0 lower or left, 1 upper or right) of the marks of a colour.

    Args:
        axes: The panel.
        colour: Colour of the model.
        along: Axis of the values that are not finite.
    """
    found = []
    for text in axes.texts:
        if isinstance(text, Annotation) and text.get_text() and text.get_color() == colour:
            x, y = text.xy
            found.append((text.get_text(), x, y) if along == "y" else (text.get_text(), y, x))
    return found
