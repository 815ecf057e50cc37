"""Libraries that a user could pick instead, each set up for the same arm: T_base_flange in, postures out."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import quoteattr

import ikpy.chain
import numpy as np
import pinocchio
import pybullet
import roboticstoolbox as rtb
from eaik.IK_Homogeneous import HomogeneousRobot
from py_opw_kinematics import KinematicModel, Robot
from scipy.spatial.transform import Rotation

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel, OpwParameters
from sewcell.kinematics.links import links_of
from sewcell.units import DEG

TOLERANCE = 1e-12
"""Asked of rtb's ik_LM."""

Solve = Callable[[Array], object]


class RtbPeer:
    """roboticstoolbox: Levenberg-Marquardt in C++, one posture, with the arm's joint limits."""

    def __init__(self, model: ArmModel) -> None:
        parts = []
        for fixed, limit in zip(_fixed_frames(model)[:6], _limit_pairs(model), strict=True):
            parts += [rtb.ET.SE3(fixed), rtb.ET.Rz(qlim=list(limit))]
        self._ets = rtb.ETS([*parts, rtb.ET.SE3(_fixed_frames(model)[6])])

    def solve(self, T: Array) -> object:
        """From random starts, as it does without q0."""
        return self._ets.ik_LM(T, tol=TOLERANCE)

    def solve_near(self, T: Array, near: Array) -> Array:
        """From a posture."""
        q: Array = self._ets.ik_LM(T, q0=near, tol=TOLERANCE).q
        return q

    def track(self, Ts: Array, start: Array) -> Array:
        """Each pose from the posture of the one before."""
        q = start
        for T in Ts:
            q = self.solve_near(T, q)
        return q


def eaik_peer(model: ArmModel) -> HomogeneousRobot:
    """EAIK: all postures by subproblem decomposition, `IK(T)` and `IK_batched(T, threads)`; C++."""
    T, frames = np.eye(4), []
    for fixed in _fixed_frames(model):
        T = T @ fixed
        frames.append(T)
    return HomogeneousRobot(np.stack(frames))


def opw_peer(model: ArmModel) -> Solve | None:
    """py-opw-kinematics: all postures of an OPW arm, by its inner object, which takes matrices; Rust."""
    opw = model.geometry
    if not isinstance(opw, OpwParameters):
        return None
    robot = Robot(
        KinematicModel(
            a1=opw.a1,
            a2=opw.a2,
            b=opw.b,
            c1=opw.c1,
            c2=opw.c2,
            c3=opw.c3,
            c4=opw.c4,
            offsets=tuple(opw.offsets),
            flip_axes=tuple(bool(sign < 0.0) for sign in opw.signs),
        ),
        degrees=False,
    )
    inner = robot._robot
    return lambda T: inner.inverse(T, None, None)


def pinocchio_peer(model: ArmModel, starts: Array) -> Solve:
    """pinocchio has no inverse: the loop of its manual, damped least squares on log6, from a random start."""
    robot = pinocchio.Model()
    parent = 0
    frames = _fixed_frames(model)
    for i in range(6):
        parent = robot.addJoint(parent, pinocchio.JointModelRZ(), pinocchio.SE3(frames[i]), f"joint_{i + 1}")
    flange = robot.addFrame(
        pinocchio.Frame("flange", parent, 0, pinocchio.SE3(frames[6]), pinocchio.FrameType.OP_FRAME)
    )
    data = robot.createData()
    turn = 0

    def solve(T: Array) -> Array:
        nonlocal turn
        goal = pinocchio.SE3(T)
        for _ in range(20):
            turn += 1
            q = starts[turn % len(starts)].copy()
            for _ in range(200):
                pinocchio.forwardKinematics(robot, data, q)
                pinocchio.updateFramePlacement(robot, data, flange)
                error = pinocchio.log6(data.oMf[flange].actInv(goal)).vector
                if np.abs(error).max() < 1e-9:
                    return q
                J = -pinocchio.Jlog6(goal.actInv(data.oMf[flange])) @ pinocchio.computeFrameJacobian(
                    robot, data, q, flange
                )
                q = q - J.T @ np.linalg.solve(J @ J.T + 1e-8 * np.eye(6), error)
        return q

    return solve


def pybullet_peer(model: ArmModel) -> Solve:
    """pybullet: damped least squares in C++ from the posture that the arm has in the world, one posture."""
    client = pybullet.connect(pybullet.DIRECT)
    body = pybullet.loadURDF(_write_urdf(model), useFixedBase=True, physicsClientId=client)

    def solve(T: Array) -> object:
        return pybullet.calculateInverseKinematics(
            body,
            6,
            T[:3, 3],
            Rotation.from_matrix(T[:3, :3]).as_quat(),
            maxNumIterations=200,
            residualThreshold=1e-9,
            physicsClientId=client,
        )

    return solve


def ikpy_peer(model: ArmModel) -> Solve:
    """ikpy: scipy's least squares, one posture."""
    mask = [False, *[True] * 6, False]
    chain = ikpy.chain.Chain.from_urdf_file(_write_urdf(model), base_elements=["link_0"], active_links_mask=mask)
    return lambda T: chain.inverse_kinematics_frame(T, orientation_mode="all")


def _fixed_frames(model: ArmModel) -> Array:
    """Frames between the turns about z, (7, 4, 4): T_base_flange = F_0 Rz(q_1) F_1 ... Rz(q_6) F_6."""
    arm = links_of(model)
    flip = np.diag([1.0, -1.0, -1.0, 1.0])  # Rz(-q) = flip Rz(q) flip
    frames = np.empty((7, 4, 4))
    frames[0] = np.eye(4)
    for i in range(6):
        turn = np.eye(4)
        turn[:3, :3] = Rotation.from_rotvec([0.0, 0.0, -arm.offsets[i]]).as_matrix()
        side = flip if arm.signs[i] < 0.0 else np.eye(4)
        frames[i] = frames[i] @ arm.before[i] @ turn @ side
        frames[i + 1] = side @ arm.after[i]
    return frames


def _limit_pairs(model: ArmModel) -> Array:
    """Lower and upper limit of each joint, (6, 2) [rad]."""
    return np.stack([model.limits.lower, model.limits.upper], axis=1)


def _write_urdf(model: ArmModel) -> str:
    """A URDF with the arm's six joints and its flange, in a temporary file."""
    inertial = '<inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>'
    parts = [f"<link name={quoteattr(f'link_{i}')}>{inertial}</link>" for i in range(8)]
    for i, fixed in enumerate(_fixed_frames(model)):
        xyz, rpy = fixed[:3, 3], Rotation.from_matrix(fixed[:3, :3]).as_euler("xyz")
        kind = "revolute" if i < 6 else "fixed"
        limit = ""
        if i < 6:
            lower, upper = model.limits.lower[i], model.limits.upper[i]
            limit = f'<axis xyz="0 0 1"/><limit lower="{lower}" upper="{upper}" effort="1" velocity="{90 * DEG}"/>'
        parts.append(
            f'<joint name="joint_{i + 1}" type="{kind}"><parent link="link_{i}"/><child link="link_{i + 1}"/>'
            f'<origin xyz="{" ".join(map(repr, map(float, xyz)))}" rpy="{" ".join(map(repr, map(float, rpy)))}"/>'
            f"{limit}</joint>"
        )
    path = Path(tempfile.mkdtemp()) / f"{model.name}.urdf"
    path.write_text(f"<robot name={quoteattr(model.name)}>{''.join(parts)}</robot>")
    return str(path)
