"""The arm and the cell of a collision model in pybullet and in pinocchio with coal: same bodies, same pairs.

Both take the arm's joints from the URDF of the simulated cell: nothing of sewcell's forward kinematics is in them but
where the capsules are at q = 0.
"""

import tempfile
import warnings
from pathlib import Path
from xml.etree import ElementTree

import coal
import numpy as np
import pinocchio
import pybullet
from scipy.spatial.transform import Rotation

from sewcell.geometry.poses import Array, invert_pose, make_pose
from sewcell.kinematics.collision import CollisionModel

URDF = Path(__file__).parents[1] / "sim" / "world" / "urdf" / "arm.urdf"
FAR = 10.0
"""Bodies nearer than this are measured [m]: all."""


def place_at_zero(model: CollisionModel) -> Array:
    """T_base_capsule at q = 0, z along the capsule, origin in its middle, (C, 4, 4)."""
    bodies, frame = model.bodies, np.eye(4)
    frames = [frame]
    for joint in bodies.joints:
        frame = frame @ joint
        frames.append(frame)
    poses = []
    for link, axis in zip(bodies.links, bodies.axes, strict=True):
        pose = make_pose(axis[:3])
        if axis[3:].any():
            pose[:3, :3] = Rotation.align_vectors([axis[3:]], [[0.0, 0.0, 1.0]])[0].as_matrix()
        poses.append(frames[link] @ pose)
    return np.array(poses)


class CoalPeer:
    """Pinocchio's forward kinematics with coal's distances; `warm`: coal starts from the answer before."""

    def __init__(self, model: CollisionModel, warm: bool) -> None:
        bodies = model.bodies
        self.model = pinocchio.buildModelFromUrdf(str(URDF))
        self.data = self.model.createData()
        pinocchio.forwardKinematics(self.model, self.data, np.zeros(6))
        geometry = pinocchio.GeometryModel()
        lengths = 2.0 * np.linalg.norm(bodies.axes[:, 3:], axis=1)
        for i, T in enumerate(place_at_zero(model)):
            joint = int(bodies.links[i])
            placement = self.data.oMi[joint].inverse() * pinocchio.SE3(T)
            shape = coal.Capsule(float(bodies.radii[i]), float(lengths[i]))
            geometry.addGeometryObject(pinocchio.GeometryObject(f"capsule {i}", joint, placement, shape))
        for i, (T, half) in enumerate(zip(bodies.poses, bodies.halves, strict=True)):
            geometry.addGeometryObject(pinocchio.GeometryObject(f"box {i}", 0, pinocchio.SE3(T), coal.Box(2.0 * half)))
        capsules = len(bodies.links)
        for c, b in bodies.capsule_box:
            geometry.addCollisionPair(pinocchio.CollisionPair(int(c), capsules + int(b)))
        for c, e in bodies.capsule_capsule:
            geometry.addCollisionPair(pinocchio.CollisionPair(int(c), int(e)))
        self.geometry, self.geometry_data = geometry, geometry.createData()
        if warm:
            for request in self.geometry_data.distanceRequests:
                request.gjk_initial_guess = coal.GJKInitialGuess.CachedGuess

    def nearest(self, q: Array) -> tuple[float, int, Array, Array]:
        """Smallest distance, its pair and its closest points."""
        k = pinocchio.computeDistances(self.model, self.data, self.geometry, self.geometry_data, q)
        found = self.geometry_data.distanceResults[k]
        return found.min_distance, k, found.getNearestPoint1(), found.getNearestPoint2()

    def edge(self, Q: Array) -> list[tuple[float, int, Array, Array]]:
        """`nearest` at every posture."""
        return [self.nearest(q) for q in Q]


class BulletPeer:
    """PyBullet: each capsule a link of its own, so that pairs can be asked for."""

    def __init__(self, model: CollisionModel) -> None:
        bodies = model.bodies
        self.client = pybullet.connect(pybullet.DIRECT)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "arm.urdf"
            path.write_text(_write_urdf(model))
            self.arm = pybullet.loadURDF(
                str(path), useFixedBase=True, flags=pybullet.URDF_MAINTAIN_LINK_ORDER, physicsClientId=self.client
            )
        names = {}
        self.joints = []
        for i in range(pybullet.getNumJoints(self.arm, physicsClientId=self.client)):
            info = pybullet.getJointInfo(self.arm, i, physicsClientId=self.client)
            names[info[12].decode()] = i
            if info[2] == pybullet.JOINT_REVOLUTE:
                self.joints.append(i)
        self.links = [names[f"capsule_{i}"] for i in range(len(bodies.links))]
        self.boxes = []
        for T, half in zip(bodies.poses, bodies.halves, strict=True):
            shape = pybullet.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half, physicsClientId=self.client)
            turn = Rotation.from_matrix(T[:3, :3]).as_quat()
            box = pybullet.createMultiBody(
                0, shape, basePosition=T[:3, 3], baseOrientation=turn, physicsClientId=self.client
            )
            self.boxes.append(box)
        self.box_pairs = {(self.boxes[b], self.links[c]): k for k, (c, b) in enumerate(bodies.capsule_box)}
        self.link_pairs = [(self.links[c], self.links[e]) for c, e in bodies.capsule_capsule]

    def nearest(self, q: Array) -> tuple[float, int, tuple[float, ...], tuple[float, ...]]:
        """Smallest distance, its pair and its closest points: one question for the whole arm and each box, which is
        faster than one for each pair, and one for each pair of links."""
        pybullet.resetJointStatesMultiDof(self.arm, self.joints, q[:, None].tolist(), physicsClientId=self.client)
        best = (FAR, -1, (), ())
        for box in self.boxes:
            for point in pybullet.getClosestPoints(self.arm, box, FAR, physicsClientId=self.client):
                if point[8] < best[0] and (box, point[3]) in self.box_pairs:
                    best = (point[8], self.box_pairs[box, point[3]], point[5], point[6])
        for k, (link, other) in enumerate(self.link_pairs, len(self.box_pairs)):
            for point in pybullet.getClosestPoints(self.arm, self.arm, FAR, link, other, physicsClientId=self.client):
                if point[8] < best[0]:
                    best = (point[8], k, point[5], point[6])
        return best

    def edge(self, Q: Array) -> list[tuple[float, int, tuple[float, ...], tuple[float, ...]]]:
        """`nearest` at every posture."""
        return [self.nearest(q) for q in Q]


def _write_urdf(model: CollisionModel) -> str:
    """The simulated arm without its own shapes, a fixed link for each capsule in their place."""
    root = ElementTree.parse(URDF).getroot()
    for link in root.findall("link"):
        for tag in ("visual", "collision"):
            for shape in link.findall(tag):
                link.remove(shape)
    arm = pinocchio.buildModelFromUrdf(str(URDF))
    data = arm.createData()
    pinocchio.forwardKinematics(arm, data, np.zeros(6))
    names = ["base"] + [
        joint.find("child").attrib["link"] for joint in root.findall("joint") if joint.attrib["type"] == "revolute"
    ]
    for i, T in enumerate(place_at_zero(model)):
        link = int(model.bodies.links[i])
        placement = invert_pose(data.oMi[link].homogeneous) @ T
        length = 2.0 * float(np.linalg.norm(model.bodies.axes[i, 3:]))
        xyz = " ".join(repr(float(x)) for x in placement[:3, 3])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a pitch of 90 deg leaves one angle free
            angles = Rotation.from_matrix(placement[:3, :3]).as_euler("xyz")
        rpy = " ".join(repr(float(angle)) for angle in angles)
        radius = float(model.bodies.radii[i])
        for text in (
            f'<link name="capsule_{i}"><inertial><mass value="0.1"/><inertia ixx="0.001" iyy="0.001" izz="0.001" '
            f'ixy="0" ixz="0" iyz="0"/></inertial><collision><geometry><capsule radius="{radius!r}" '
            f'length="{length!r}"/></geometry></collision></link>',
            f'<joint name="fixed_{i}" type="fixed"><parent link="{names[link]}"/><child link="capsule_{i}"/>'
            f'<origin xyz="{xyz}" rpy="{rpy}"/></joint>',
        ):
            root.append(ElementTree.fromstring(text))
    return ElementTree.tostring(root, encoding="unicode")
