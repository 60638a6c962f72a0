"""What MMEngine says while it builds a run, turned into the key of the config, its value and what to do."""

import inspect
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from mmengine.config import Config

from ..errors import ConfigError, UserFacingError, did_you_mean
from .run_errors import is_of_lcv_mm, is_on_purpose, last_line, run_problem

_UNKNOWN = re.compile(r"got an unexpected keyword argument '(\w+)'")
_MISSING = re.compile(r'missing \d+ required (?:positional|keyword-only) arguments?: (.+)')
_ON_PURPOSE = (ValueError, TypeError, KeyError, AssertionError, NotImplementedError)


@contextmanager
def config_errors(cfg: Config) -> Iterator[None]:
    """Raise what a user can act on as a ConfigError; other errors pass unchanged, with their traceback.

    Short are: an unknown `type`, an unknown or a missing option, an option that the part itself refused with a
    `raise` or an `assert` while it was built, and the few errors of a running model that have one known cause.

    Args:
        cfg (Config): Config of the run, to find the dotted key.

    Raises:
        ConfigError: In place of such an error, which is its `__cause__`.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, UserFacingError) and not isinstance(error, ConfigError):
            raise
        problem = _build_problem(error, cfg) or run_problem(error)
        if problem is None:
            raise
        raise ConfigError(problem) from error


def _build_problem(error: Exception, cfg: Config) -> str | None:
    """What is wrong with the part that was being built, or None if none was or if the error is not about it."""
    # The official release raises a second error over the part's own, with the class put before the text.
    while isinstance(error.__context__, type(error)) and _last_function(error) == 'build_from_cfg':
        error = error.__context__
    frame = _building_frame(error)
    if frame is None:
        return None
    local = frame.f_locals
    part, made = local.get('cfg', local.get('dataloader')), local.get('obj_cls', local.get('scheduler_cls'))
    name = getattr(made, '__name__', 'the config')
    where = path_of(cfg, part) or name
    text = str(error.args[0]) if error.args else ''
    if isinstance(error, KeyError) and made is None and 'registry' in local:
        return unknown_type(where, dict(part or {}).get('type'), local['registry'])
    if isinstance(error, TypeError) and (unknown := _UNKNOWN.search(text)):
        names = _options(made)
        return (
            f'{where}.{unknown[1]}: {name} has no such option'
            f'{did_you_mean(unknown[1], names)} Expected one of {", ".join(names)}; correct the name or remove it'
        )
    if isinstance(error, TypeError) and (missing := _MISSING.search(text)):
        return f'{where}: expected a value for {missing[1]}, which {name} needs; none came. Add it'
    if isinstance(error, ConfigError) or (is_on_purpose(error) and is_of_lcv_mm(error)):
        return f'{where}: {text}'
    if isinstance(error, _ON_PURPOSE) and is_on_purpose(error):
        text = text or f'expected `{last_line(error).removeprefix("assert ")}`'
        return f'{where}: {text.rstrip(". ")}; got {_settings(part)}. Correct the settings of {where}'
    return None


def path_of(cfg: Any, part: Any, path: str = '') -> str | None:
    """Dotted key of the first dict of a config that is contained in `part` and has the same `type`."""
    if isinstance(cfg, Mapping | Config):
        own = {key: value for key, value in cfg.items() if key in part} if isinstance(part, Mapping) else None
        if path and own and own.get('type') == part.get('type') and len(own) == len(cfg) and _same(own, part):
            return path
        items: Any = cfg.items()
    else:
        items = enumerate(cfg) if isinstance(cfg, list | tuple) else ()
    found = (path_of(value, part, f'{path}.{key}' if path else str(key)) for key, value in items)
    return next((key for key in found if key), None)


def _same(own: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    """Whether the plain values agree; nested parts may have been given defaults meanwhile."""
    return all(isinstance(value, Mapping) or value == part[key] for key, value in own.items())


def unknown_type(where: str, name: Any, registry: Any) -> str:
    """What to say of a `type` that a registry does not know, or that is not there (None)."""
    known = {
        key for room in (registry, registry.parent, *registry.children.values()) if room for key in room.module_dict
    }
    return (
        f'{where}.type={name!r}: no part of that name is in the registry of {registry.name}s'
        f'{did_you_mean(str(name).rpartition(".")[2], known)} Correct the name; a part of lcv_mm or of yours is found '
        "after custom_imports = dict(imports=['lcv_mm']), or under its dotted name, 'lcv_mm.CBPHead'"
    )


def _options(made: Any) -> list[str]:
    """The options of a class or function, those that `**kwargs` hands on to its base classes included."""
    makers = [vars(base).get('__init__') for base in made.__mro__] if inspect.isclass(made) else [made]
    names: list[str] = []
    for maker in filter(inspect.isfunction, makers):
        parameters = inspect.signature(maker).parameters.values()
        names += [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name != 'self']
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return list(dict.fromkeys(names))


def _building_frame(error: Exception) -> FrameType | None:
    """The innermost call in which MMEngine builds something from its config."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    names = ('build_from_cfg', 'build_scheduler_from_cfg', 'build_dataloader')
    building = [i for i, frame in enumerate(frames) if frame.f_code.co_name in names]
    return frames[building[-1]] if building else None


def _last_function(error: Exception) -> str:
    return traceback.extract_tb(error.__traceback__)[-1].name


def _settings(part: Any) -> str:
    plain = {key: value for key, value in part.items() if key != 'type' and not isinstance(value, Mapping | list)}
    return ', '.join(f'{key}={value!r}' for key, value in plain.items()) or 'no settings'
