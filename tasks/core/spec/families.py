"""Image styles come in families: one style with its 1.5x, 2x and Non-WebP variants."""

import re

_LABEL = re.compile(r"(?:\s+(?:\d+(?:\.\d+)?x|non[\s-]*webp|webp))+$", re.IGNORECASE)
_MACHINE = re.compile(r"(?:_(?:\d+(?:_\d+)?x|non[_-]?webp|webp))+$")

_ENDS = ("x", "X", "p", "P")  # how a variant ends; asked first, being cheap


def family_label(style_name: str) -> str:
    """The name of the family a style belongs to: `42x42 1.5x` and `42x42 Non-WebP` are of `42x42`."""
    return _LABEL.sub("", style_name) if style_name[-1:] in _ENDS else style_name


def family_machine_name(machine_name: str) -> str:
    """The same for machine names: `42x42_1_5x` is of `42x42`."""
    return _MACHINE.sub("", machine_name) if machine_name[-1:] in _ENDS else machine_name
