"""What `sewcell doctor` finds on the serial lines, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

from serial.tools import list_ports

from sewcell.config.models_ports import ArmPortModel, PortsModel
from sewcell.drivers.devices.identity import check_identity
from sewcell.drivers.devices.port_survey import MODULES, Answer, Kind, survey_port
from sewcell.drivers.protocols import io_module, sewing_head
from sewcell.errors import DeviceFaultError, LinkError

State = Literal["ok", "warning", "fault"]
AXES = 6
IDENTITIES = {1: (sewing_head.IDENT, sewing_head.VERSION), 2: (io_module.IDENT, io_module.VERSION)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table: what was looked at, how it is, what was found, and what to do."""

    name: str
    state: State
    found: str
    action: str = ""


async def examine_lines(ports: PortsModel) -> list[Finding]:
    """Arm and field bus at their ports, then every other port of this computer."""
    others = await _survey_others(ports)
    findings = [
        *await _examine(ports.arm, ports, "arm controller", others),
        *await _examine(ports.field_bus, ports, "field bus", others),
    ]
    for url, answer in others.items():
        found = answer.split(":", 1)[-1].strip() if isinstance(answer, str) else _describe(answer)
        findings.append(Finding(f"port {url}", "ok", f"not in the ports; {found}"))
    return findings


async def _survey_others(ports: PortsModel) -> dict[str, Answer | str]:
    """Who answers at the ports that nothing is configured for; text for those that cannot be opened."""
    found: dict[str, Answer | str] = {}
    for url in sorted(port.device for port in list_ports.comports()):
        if url in (ports.arm.url, ports.field_bus.url):
            continue
        try:
            found[url] = await survey_port(url, ports.arm.baud, ports.field_bus.parity)
        except LinkError as error:
            found[url] = str(error)
    return found


async def _examine(
    port: ArmPortModel, ports: PortsModel, wanted: Kind, others: dict[str, Answer | str]
) -> list[Finding]:
    key = "arm" if port is ports.arm else "field_bus"
    elsewhere = [url for url, answer in others.items() if isinstance(answer, Answer) and answer.kind == wanted]
    hint = f"; the {wanted} answers at {elsewhere[0]}: set {key}.url to that" if elsewhere else ""
    try:
        answer = await survey_port(port.url, port.baud, ports.field_bus.parity)
    except LinkError as error:
        cause, _, remedy = str(error).rpartition("; ")
        return [Finding(wanted, "fault", cause or remedy, (remedy if cause else "") + hint)]
    if answer.kind == "nobody":
        action = f"switch it on, check its cable, and that {port.url} is its port{hint}"
        return [Finding(wanted, "fault", f"{port.url}: nobody answers", action)]
    if answer.kind == "something else":
        action = f"plug the {wanted} in there, or correct {key}.url and {key}.baud{hint}"
        return [Finding(wanted, "fault", f"{port.url}: something else answers, in no words of the {wanted}", action)]
    if answer.kind != wanted:
        action = f"exchange the cables, or the two urls in the ports{hint}"
        return [Finding(wanted, "fault", f"{port.url}: the {answer.kind} answers there", action)]
    if answer.baud != port.baud:
        found = f"{port.url}: answers at {answer.baud} baud, the ports say {port.baud}"
        return [Finding(wanted, "fault", found, f"set {key}.baud to {answer.baud}")]
    return [_judge_arm(port, answer)] if wanted == "arm controller" else _judge_modules(port, answer)


def _judge_arm(port: ArmPortModel, answer: Answer) -> Finding:
    found = f"{port.url}: {_describe(answer)}"
    if answer.axes not in (None, AXES):
        return Finding("arm controller", "fault", found, f"it must have {AXES} axes: load the firmware of this arm")
    if not answer.version.startswith("1.1"):
        return Finding("arm controller", "fault", found, "the driver speaks grblHAL 1.1: update the firmware")
    return Finding("arm controller", "ok", found)


def _judge_modules(port: ArmPortModel, answer: Answer) -> list[Finding]:
    found: list[Finding] = []
    modules = {module.unit: module for module in answer.modules}
    for unit, name in MODULES.items():
        module = modules.get(unit)
        if module is None:
            action = "switch it on, check its cable and its unit number"
            found.append(Finding(name, "fault", f"{port.url}: unit {unit} does not answer", action))
            continue
        try:
            check_identity(name, port.url, (module.ident, module.version), *IDENTITIES[unit])
        except DeviceFaultError as error:
            cause, _, action = str(error).rpartition(": ")
            found.append(Finding(name, "fault", cause, action))
        else:
            found.append(Finding(name, "ok", f"{port.url}: unit {unit}, protocol version {module.version}"))
    return found


def _describe(answer: Answer) -> str:
    match answer.kind:
        case "arm controller":
            axes = "" if answer.axes is None else f", {answer.axes} axes"
            return f"arm controller, version {answer.version or 'not told'}{axes}, {answer.baud} baud"
        case "field bus":
            units = ", ".join(str(module.unit) for module in answer.modules)
            return f"field bus with unit {units}, {answer.baud} baud"
        case "something else":
            return "something answers that is neither arm controller nor field bus"
        case _:
            return "nobody answers"
