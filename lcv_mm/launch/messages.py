"""Errors that a user can act on: named by the config's key while the run is built, shown without a traceback."""

import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config
from mmengine.registry import Registry

from ..errors import ConfigError, DataError, UserFacingError, did_you_mean
from .config import RUNNER_KEYS, setting

TRACEBACK = 'LCV_MM_TRACEBACK'
TOOLBOX = ('mmcv', 'mmengine', 'mmpretrain', 'torch')
REFUSALS = (AssertionError, KeyError, NotImplementedError, TypeError, ValueError)
# What a registry's build function takes for itself
OF_BUILD = {'type', '_scope_', 'convert_to_iter_based', 'epoch_length'}


@contextmanager
def short_errors() -> Iterator[None]:
    """End the program with the message alone, and exit code 1, on an error the user can act on.

    Any other error keeps its traceback; with the environment variable `LCV_MM_TRACEBACK=1` all do.
    """
    try:
        yield
    except UserFacingError as error:
        if os.environ.get(TRACEBACK, '0') == '1':
            raise
        # one that a worker of a dataloader raised carries the worker's traceback in front
        name = f'{type(error).__module__}.{type(error).__qualname__}: '
        raise SystemExit(f'\nerror: {str(error).rpartition(name)[2].rstrip()}') from None


@contextmanager
def config_errors(cfg: Config) -> Iterator[None]:
    """Let each part of a config that cannot be built be named by its key.

    Meanwhile `Registry.build`, which knows the part and its settings, raises a ConfigError for a `type` that is
    missing or unknown, for options that the class does not take, and for what a class of the toolbox or of torch
    refuses, in its own words; a ConfigError of ours gets the key put before it. A dataset that cannot read its files
    raises a DataError; the error itself is the `__cause__`. All others, among them those of a user's class, pass
    unchanged.
    """
    build = Registry.build
    settled: list[Exception] = []  # by the innermost part: the parts around it leave these alone

    def build_or_explain(registry: Registry, part: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return build(registry, part, *args, **kwargs)
        except Exception as error:
            first = _original(error, settled)
            if id(first) not in map(id, settled):
                defaults = kwargs.get('default_args') or (args[0] if args else None) or {}
                told = _explain(first, registry, part, defaults, cfg)
                settled.extend((first, told))
                if told is not first:
                    raise told from first
            if first is not error and isinstance(first, UserFacingError):
                raise first from first.__cause__
            raise

    Registry.build = build_or_explain
    try:
        yield
    finally:
        Registry.build = build


def find_part(registry: Registry, name: Any, scope: str | None = None) -> Any:
    """The class that a registry builds for a `type` in the scope in force, or None if it knows none."""
    if not isinstance(name, str):
        return name
    with registry.switch_scope_and_registry(scope) as room:
        try:
            return room.get(name)
        except RuntimeError:  # of a name that leads to no module
            return None


def unknown_type(where: str, name: Any, registry: Registry) -> str:
    """What to say of a `type` that a registry does not know, or that is None."""
    rooms = (registry, registry.parent, *registry.children.values())
    known = {key: room.scope for room in rooms if room for key in room.module_dict}
    bare = str(name).rpartition('.')[2]
    hint = did_you_mean(bare, known)
    if bare in known:
        hint = f", but {known[bare]} has one: name it '{known[bare]}.{bare}', or set default_scope='mmpretrain'."
    return (
        f'{where}.type={name!r}: no part of that name is in the registry of {registry.name}s{hint} Correct the name; '
        "a part of lcv_mm or of yours is found after custom_imports = dict(imports=['lcv_mm']), or under its dotted "
        "name, 'lcv_mm.CBPHead'"
    )


def path_of(cfg: Config, part: Mapping[str, Any]) -> str:
    """The dotted keys at which a config holds a part, joined by "or"; '' if it holds it nowhere."""
    return ' or '.join(found for key in cfg if key in RUNNER_KEYS for found in _places(cfg[key], part, key))


def _places(own: Any, part: Mapping[str, Any], path: str) -> Iterator[str]:
    """Keys of the dicts whose settings are all among those of `part`; it may have been given defaults meanwhile."""
    if isinstance(own, Mapping):
        if own and own.get('type') == part.get('type') and all(
            key in part and (isinstance(value, Mapping) or value == part[key]) for key, value in own.items()
        ):  # fmt: skip
            yield path
        items: Any = own.items()
    else:
        items = enumerate(own) if isinstance(own, list | tuple) else ()
    for key, value in items:
        yield from _places(value, part, f'{path}.{key}')


def _explain(error: Exception, registry: Registry, part: Any, defaults: Mapping[str, Any], cfg: Config) -> Exception:
    """What to raise for a part that could not be built: the error itself, or one for the user."""
    if isinstance(error, UserFacingError) and not isinstance(error, ConfigError):
        return error
    parts = [{**defaults, **one} for one in (part if isinstance(part, list) else [part]) if isinstance(one, Mapping)]
    for one in parts:
        problem = _misfit(error, registry, one, cfg)
        if problem is not None:
            return ConfigError(problem)
    if len(parts) != 1:  # of a list, which of its parts refused is not known
        return error
    made = find_part(registry, parts[0]['type'], parts[0].get('_scope_'))
    name = getattr(made, '__name__', str(made))
    where = path_of(cfg, parts[0]) or name
    text = _text(error) or f'{name} refuses its settings; {TRACEBACK}=1 shows where'
    if isinstance(error, ConfigError):
        return ConfigError(f'{where}: {text}')
    no_image = isinstance(error, RuntimeError) and _root(made) in TOOLBOX  # how MMPretrain says so
    if (isinstance(error, OSError) or no_image) and registry.name == 'dataset':
        return DataError(
            f'{where}: the data cannot be read ({error}); set {where}.data_root to the folder that holds it'
        )
    # a loop also builds its dataset, whose own errors these may be
    if isinstance(error, REFUSALS) and _root(made) in TOOLBOX and registry.name != 'loop':
        return ConfigError(f'{where}: {text}')
    return error


def _misfit(error: Exception, registry: Registry, part: Mapping[str, Any], cfg: Config) -> str | None:
    """What is wrong with the `type` or the names of the options of a part that could not be built."""
    where = path_of(cfg, part)
    if 'type' not in part:
        place, _, name = where.rpartition('.')
        beside = setting(cfg, place) if place else None
        hint = did_you_mean(name, [key for key in beside if key != name] if isinstance(beside, Mapping) else ())
        return f'{where or "the config"}: expected a dict with a `type`, got {dict(part)}{hint} Correct it, or add one'
    made = find_part(registry, part['type'], part.get('_scope_'))
    if made is None:
        return unknown_type(where or 'the config', part['type'], registry)
    if not isinstance(error, TypeError) or not callable(made):
        return None
    options, takes_any = _options(made)
    unknown = [] if takes_any else [key for key in part if key not in options and key not in OF_BUILD]
    if unknown:
        return (
            f'{where or made.__name__}.{unknown[0]}: {made.__name__} has no such option'
            f'{did_you_mean(unknown[0], options)} Expected one of {", ".join(options)}; correct the name or remove it'
        )
    missing = [key for key, option in options.items() if option.default is option.empty and key not in part]
    return f'{where or made.__name__}: {error}; add what is missing' if missing else None


def _options(made: Any) -> tuple[dict[str, inspect.Parameter], bool]:
    """The options of a class or a function, and whether it takes any other.

    Those included that a class of lcv_mm or of the toolbox hands on to its base classes by `**kwargs`.
    """
    makers = [(base, vars(base).get('__init__')) for base in made.__mro__] if inspect.isclass(made) else [(made, made)]
    options: dict[str, inspect.Parameter] = {}
    for owner, maker in makers:
        if not inspect.isfunction(maker):
            continue
        parameters = inspect.signature(maker).parameters.values()
        variable = [p.kind for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        for parameter in parameters:
            if parameter.kind not in variable and parameter.name != 'self':
                options.setdefault(parameter.name, parameter)
        if inspect.Parameter.VAR_KEYWORD not in variable:
            return options, False
        if _root(owner) not in ('lcv_mm', *TOOLBOX):
            break
    return options, True


def _original(error: Exception, settled: list[Exception]) -> Exception:
    """The error that a part raised: some releases of MMEngine raise another, with the class put before its text."""
    before = error.__context__
    while id(error) not in map(id, settled) and type(before) is type(error) and _text(error).endswith(f': {before}'):
        error, before = before, before.__context__
    return error


def _text(error: Exception) -> str:
    return str(error.args[0]) if error.args else ''


def _root(made: Any) -> str:
    return str(getattr(made, '__module__', '')).partition('.')[0]
