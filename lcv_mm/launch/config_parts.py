"""How the checks read a config."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config


def setting(cfg: Config, key: str) -> Any:
    """The value of a dotted key, or None where there is no such place."""
    part: Any = cfg
    for name in key.split('.'):
        if isinstance(part, list) and name.isdigit() and int(name) < len(part):
            part = part[int(name)]
        elif isinstance(part, Mapping | Config):
            part = part.get(name)
        else:
            return None
    return part


def type_name(part: Any) -> str:
    """The bare name of a part's class, whether its `type` is a text, a dotted text or the class; '' without one."""
    kind = part.get('type', '') if isinstance(part, Mapping) else ''
    return kind.rpartition('.')[2] if isinstance(kind, str) else getattr(kind, '__name__', '')


def listed(part: Any) -> list[Any]:
    """A part and a list of parts alike as a list; None as the empty one."""
    return [] if part is None else list(part) if isinstance(part, list | tuple) else [part]
