"""Learning curves of a run."""

from matplotlib.figure import Figure

from .scalars import Curve

# Panels of the picture, the logged values each holds, and what they are called there.
PANELS = {
    'loss': {
        'loss': 'total',
        'loss_cls': 'classification (loss0)',
        'loss_inter': 'between classes (loss1)',
        'loss_intra': 'within classes (loss2)',
    },
    'accuracy (%)': {'accuracy_top-1': 'training batches', 'accuracy/top1': 'test images'},
    'mean distance': {'dist_inter': 'between classes', 'dist_intra': 'within classes'},
}


def draw_curves(curves: dict[str, Curve], title: str) -> Figure:
    """Draw the losses, the accuracies and the mean distances over the epochs.

    Args:
        curves (dict[str, Curve]): From `read_curves`. A panel with no curve is left out.
        title (str): Title of the figure.

    Returns:
        Figure: One panel for each kind of value.
    """
    panels = {panel: [name for name in names if name in curves] for panel, names in PANELS.items()}
    panels = {panel: names for panel, names in panels.items() if names}
    figure = Figure(figsize=(5 * max(len(panels), 1), 3.8), layout='constrained')
    figure.suptitle(title)
    for place, (panel, names) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(1, len(panels), place)
        for name in names:
            epochs, values = zip(*curves[name], strict=True)
            axes.plot(epochs, values, marker='.', label=PANELS[panel][name])
        axes.set(xlabel='epoch', ylabel=panel)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
