import AgentAPI
import JSON
import OCI

@testable import SpecTranslation

/// A specification that is accepted, for tests to change.
func acceptableSpec() -> RuntimeSpec {
    var spec = RuntimeSpec(ociVersion: "1.2.0")
    spec.root = RuntimeSpec.Root(path: "rootfs")
    var process = RuntimeSpec.Process(user: RuntimeSpec.User(uid: 0, gid: 0), cwd: "/")
    process.args = ["/bin/sh"]
    spec.process = process
    var linux = RuntimeSpec.Linux()
    linux.namespaces = [.pid, .network, .ipc, .uts, .mount].map { RuntimeSpec.Namespace(type: $0) }
    spec.linux = linux
    return spec
}

func translated(_ spec: RuntimeSpec) throws(TranslationError) -> ContainerSpec {
    try ContainerTranslation.translate(spec, rootfs: RootFileSystem()) { source in
        source == "/host/data" ? "/shares/0" : nil
    }
}

/// The error of a translation; nil if there is none.
func failure(_ spec: RuntimeSpec) -> TranslationError? {
    do throws(TranslationError) {
        _ = try translated(spec)
        return nil
    } catch {
        return error
    }
}

/// A change to an acceptable specification, and the field that is named for it.
struct Rejection: Sendable, CustomStringConvertible {
    let field: String
    let change: @Sendable (inout RuntimeSpec) -> Void

    init(_ field: String, _ change: @escaping @Sendable (inout RuntimeSpec) -> Void) {
        self.field = field
        self.change = change
    }

    var description: String { field }

    var rejectedField: String? {
        var spec = acceptableSpec()
        change(&spec)
        switch failure(spec) {
        case .missing(let field), .invalid(let field, _, _), .mountOptions(let field, _): return field
        case .refused(let findings, _): return findings.map(\.path).joined(separator: " ")
        case .unmappedBind(let source, _): return source
        // Such as a NUL byte, which JSON documents may not have.
        case .notReviewed: return "config.json"
        case nil: return nil
        }
    }
}

func mount(_ destination: String, _ type: String?, _ source: String?, _ options: [String]) -> RuntimeSpec.Mount {
    var mount = RuntimeSpec.Mount(destination: destination)
    mount.type = type
    mount.source = source
    mount.options = options
    return mount
}
