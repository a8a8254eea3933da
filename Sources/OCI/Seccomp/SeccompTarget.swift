/// Where a seccomp profile is to be applied: in the guest, so architecture and kernel are the guest's.
public struct SeccompTarget: Equatable, Sendable {
    /// The container's bounding set (`CAP_CHOWN`).
    public var capabilities: Set<String>
    /// The machine's architecture.
    public var architecture: Architecture
    /// The kernel's version.
    public var kernel: KernelVersion

    /// A container with those capabilities on that machine.
    public init(capabilities: Set<String>, architecture: Architecture, kernel: KernelVersion) {
        self.capabilities = capabilities
        self.architecture = architecture
        self.kernel = kernel
    }

    /// Architectures, by the names that the filters of profiles use.
    public enum Architecture: String, Sendable, CaseIterable {
        /// x86, 64 bits.
        case amd64
        /// ARM, 64 bits.
        case arm64
        /// RISC-V, 64 bits.
        case riscv64
        /// IBM Z.
        case s390x

        /// The name in `archMap` and in `linux.seccomp.architectures`.
        public var libseccompName: String {
            switch self {
            case .amd64: "SCMP_ARCH_X86_64"
            case .arm64: "SCMP_ARCH_AARCH64"
            case .riscv64: "SCMP_ARCH_RISCV64"
            case .s390x: "SCMP_ARCH_S390X"
            }
        }
    }

    /// The two numbers of a kernel version that tell what it can do.
    public struct KernelVersion: Comparable, Sendable {
        /// 6 of 6.1.
        public let major: UInt32
        /// 1 of 6.1.
        public let minor: UInt32

        /// That version.
        public init(major: UInt32, minor: UInt32) {
            self.major = major
            self.minor = minor
        }

        /// Reads `4.8`, and as much of uname(2)'s `6.1.0-18-amd64`; nil if it does not begin with two numbers.
        public init?(_ text: String) {
            let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count >= 2, let major = Self.number(parts[0]) else { return nil }
            // "5.10-rc1" has no third number: what follows the digits of the second is not part of it.
            guard let minor = Self.number(parts[1].prefix { $0.isASCII && $0.isNumber }) else { return nil }
            self.init(major: major, minor: minor)
        }

        private static func number(_ digits: Substring) -> UInt32? {
            digits.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ? UInt32(digits) : nil
        }

        /// Compares major before minor.
        public static func < (left: KernelVersion, right: KernelVersion) -> Bool {
            (left.major, left.minor) < (right.major, right.minor)
        }
    }
}
