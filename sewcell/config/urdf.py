"""The six turning joints of a URDF as frames."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sewcell.config.messages import list_names, show_path
from sewcell.errors import ConfigError
from sewcell.geometry.poses import Array, invert_pose, make_pose


@dataclass(frozen=True, slots=True, eq=False)
class _Joint:
    """A joint of the file: `pose` = T_parent_joint; `axis` (3,) in the joint's frame, None where it is fixed."""

    name: str
    parent: str
    child: str
    pose: Array
    axis: Array | None


def read_urdf(path: Path, base: str | None = None, tip: str | None = None) -> tuple[Array, Array]:
    """Frames before and after the turns of the six joints from link `base` to link `tip`, (6, 4, 4) each.

    T_base_tip = before_1 Rz(q_1) after_1 ... before_6 Rz(q_6) after_6. Without names, base is the link that has no
    parent and tip the only one that has no child.

    Raises: ConfigError when the file cannot be read, when the links are not one chain, or have not six turning joints.
    """
    shown = show_path(path)
    try:
        joints = [_read_joint(element, shown) for element in ElementTree.parse(path).getroot().iter("joint")]
    except FileNotFoundError as error:
        raise ConfigError(f"no file {shown}; check the name") from error
    except (OSError, ElementTree.ParseError) as error:
        raise ConfigError(f"{shown} is no URDF that can be read: {error}") from error
    chain = _find_chain({joint.child: joint for joint in joints}, base, tip, shown)
    before, after = [], []
    pose = np.eye(4)
    for joint in chain:
        pose = pose @ joint.pose
        if joint.axis is not None:
            along = _turn_z_to(joint.axis)
            before.append(pose @ along)
            after.append(invert_pose(along))
            pose = np.eye(4)
    if len(before) != 6:
        raise ConfigError(f"{shown}: the chain has {len(before)} turning joints, an arm needs 6; name base and tip")
    after[-1] = after[-1] @ pose
    return np.stack(before), np.stack(after)


def _read_joint(element: ElementTree.Element, shown: str) -> _Joint:
    name, kind = element.get("name", "?"), element.get("type", "?")
    if kind not in ("fixed", "revolute", "continuous"):
        raise ConfigError(f"{shown}: joint {name!r} is {kind}; only fixed, revolute and continuous joints are known")
    ends = [element.find(tag) for tag in ("parent", "child")]
    links = [end.get("link") if end is not None else None for end in ends]
    if links[0] is None or links[1] is None:
        raise ConfigError(f"{shown}: joint {name!r} names no parent or no child link")
    origin = element.find("origin")
    xyz = _read_numbers(origin, "xyz", "0 0 0", f"{shown}: joint {name!r}")
    rpy = _read_numbers(origin, "rpy", "0 0 0", f"{shown}: joint {name!r}")
    axis = _read_numbers(element.find("axis"), "xyz", "1 0 0", f"{shown}: joint {name!r}")
    length = float(np.linalg.norm(axis))
    if length == 0.0:
        raise ConfigError(f"{shown}: the axis of joint {name!r} has no direction")
    return _Joint(name, links[0], links[1], make_pose(xyz, list(rpy)), None if kind == "fixed" else axis / length)


def _read_numbers(element: ElementTree.Element | None, key: str, default: str, where: str) -> Array:
    text = default if element is None else element.get(key, default)
    try:
        numbers = np.array([float(word) for word in text.split()])
    except ValueError as error:
        raise ConfigError(f"{where}: {key}={text!r} must be three numbers") from error
    if numbers.shape != (3,) or not np.isfinite(numbers).all():
        raise ConfigError(f"{where}: {key}={text!r} must be three numbers")
    return numbers


def _find_chain(above: dict[str, _Joint], base: str | None, tip: str | None, shown: str) -> list[_Joint]:
    """The joints from base to tip. Args: above: the joint over each link."""
    parents = {joint.parent for joint in above.values()}
    if tip is None:
        leaves = sorted(set(above) - parents)
        if len(leaves) != 1:
            raise ConfigError(f"{shown}: name the tip, one of: {list_names(leaves)}")
        tip = leaves[0]
    known = parents | set(above)
    for link in (base, tip):
        if link is not None and link not in known:
            raise ConfigError(f"{shown}: no link {link!r}; known: {list_names(known)}")
    chain: list[_Joint] = []
    link = tip
    while link != base and link in above and len(chain) <= len(above):
        chain.append(above[link])
        link = above[link].parent
    if base is not None and link != base:
        raise ConfigError(f"{shown}: no chain of joints leads from {base!r} to {tip!r}")
    return chain[::-1]


def _turn_z_to(axis: Array) -> Array:
    """A pose (4, 4) at the origin whose z axis is the unit vector `axis`."""
    T = np.eye(4)
    side = np.eye(3)[int(np.abs(axis).argmin())]
    x = np.cross(side, axis)
    x /= np.linalg.norm(x)
    T[:3, 0], T[:3, 1], T[:3, 2] = x, np.cross(axis, x), axis
    return T
