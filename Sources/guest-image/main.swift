import Foundation

// Build-time tool: makes the guest's kernel and initrd out of an unpacked Debian kernel package and the agent.
do {
    let build = try GuestImageBuild(arguments: Array(CommandLine.arguments.dropFirst()))
    print(try build.run())
} catch {
    FileHandle.standardError.write(Data("guest-image: \(error)\n".utf8))
    exit(error.isUsage ? 2 : 1)
}
