"""The report as one HTML page that needs nothing else."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from .parts import Report

TEMPLATE = 'report.html.j2'


def to_html(report: Report) -> str:
    """The page; all text of the report is escaped, only the pictures, which `svg.py` made, are taken as they are."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters['picture'] = Markup
    text = files(__package__).joinpath(TEMPLATE).read_text(encoding='utf-8')
    return environment.from_string(text).render(report=report)
