import CommandTree
import OCI
import SpecTranslation

/// What a container sees of its machine: devices, and what is kept from it otherwise.
extension RunOptions {
    mutating func readMachine(_ arguments: ParsedArguments) throws {
        overrides.isPrivileged = arguments.flag("privileged")
        for request in try arguments.values("device", as: DeviceRequest.parse) {
            guard let device = SpecTable.devices.first(where: { $0.path == request.device }) else {
                throw CLIError(
                    "--device \(request.device): devices of the host do not reach a virtual machine; it has these of its "
                        + "own: \(SpecTable.devices.map(\.path).joined(separator: ", "))", exitCode: CLIError.notRun)
            }
            overrides.devices.append(DefaultSpec.Device(device, at: request.path, access: request.access))
        }
        guard let bytes = try arguments.value("shm-size", as: ByteSize.parse) else { return }
        guard bytes > 0 else { throw CLIError("--shm-size: a size above 0 is needed", exitCode: CLIError.notRun) }
        let hasOwn = (overrides.tmpfs.map(\.destination) + overrides.mounts.map(\.destination)).contains("/dev/shm")
        guard !hasOwn else {
            throw CLIError(
                "--shm-size, and another mount at /dev/shm: give one of them", exitCode: CLIError.notRun)
        }
        overrides.sharedMemoryBytes = bytes
    }
}
