import OCI
import SpecTranslation

/// What a container's script prints for a field of its config.json.
struct SpecCheck: Sendable {
    enum Expectation: Sendable {
        /// The whole output.
        case text(String)
        /// A word between spaces or commas that is there, or is not.
        case word(String, Bool)
        /// A part that is there, or is not.
        case part(String, Bool)
    }
    /// Rows of `SpecTable` that it holds to account.
    let fields: [String]
    let script: String
    let expectation: Expectation

    init(_ fields: String..., script: String, _ expectation: Expectation) {
        (self.fields, self.script, self.expectation) = (fields, script, expectation)
    }

    func holds(for output: String) -> Bool {
        switch expectation {
        case .text(let text): output == text
        case .word(let word, let isThere):
            output.split(whereSeparator: { " ,\t\n".contains($0) }).contains { $0 == word } == isThere
        case .part(let part, let isThere): output.contains(part) == isThere
        }
    }
}

/// A container: its config.json, and what must be seen inside.
struct SpecDocument: Sendable {
    let name: String
    let checks: [SpecCheck]
    var program = "/bin/sh"
    /// Below the directory of the host that is bound, or told to be.
    let change: @Sendable (inout RuntimeSpec, _ host: String) -> Void

    /// The checks one after the other, each announced by its number.
    private var script: String {
        """
        options() {
            awk -v p="$1" '$5==p{o=$6; for(i=7;$i!="-";i++) o=o" "$i; o=o" "$NF; r=o} END{print r}' /proc/self/mountinfo
        }
        scheduling() { awk '{print $19, $40, $41}' /proc/$1/stat; }
        status() { awk -v n="$1:" '$1==n{print $2}' /proc/$$/status; }

        """ + checks.enumerated().map { "echo '## \($0)'\n( \($1.script)\n) 2>&1\n" }.joined() + "read -r end\n"
    }

    func spec(host: String) throws -> RuntimeSpec {
        var overrides = DefaultSpec.Overrides()
        overrides.arguments = [program, "-c", script]
        let image = #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#
        var spec = try DefaultSpec(image: ImageConfig.decode(json: Array(image.utf8)), overrides: overrides).spec
        spec.process?.env = ["PATH=/bin"]
        change(&spec, host)
        return spec
    }

    /// By the number of the check.
    static func answers(in output: String) -> [Int: String] {
        var answers: [Int: [Substring]] = [:]
        var number = -1
        for line in output.replacing("\r\n", with: "\n").split(separator: "\n") {
            if line.hasPrefix("## "), let next = Int(line.dropFirst(3)) {
                number = next
            } else {
                answers[number, default: []].append(line)
            }
        }
        return answers.mapValues { $0.joined(separator: "\n") }
    }
}

func mount(_ destination: String, _ type: String, _ source: String, _ options: [String] = []) -> RuntimeSpec.Mount {
    var mount = RuntimeSpec.Mount(destination: destination)
    (mount.type, mount.source, mount.options) = (type, source, options)
    return mount
}
