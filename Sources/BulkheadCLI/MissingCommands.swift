import CommandTree

/// Commands that docker's users type and that are not there, or are called otherwise.
enum MissingCommands {
    static let ofRoot: [UnsupportedCommand] = [
        renamed("images", "image ls"), renamed("rmi", "image rm"), renamed("pull", "image pull"),
        renamed("load", "image load"), renamed("list", "ps"), renamed("ls", "ps"), renamed("info", "check"),
        UnsupportedCommand(
            "container", isToCome: false, instead: "leave the word out, as in \"bulkhead ps\" and \"bulkhead rm\""),
        missing("restart", "use \"bulkhead stop\" and \"bulkhead start\""),
        missing("create", "use \"bulkhead run -d\""),
        missing("port", network), missing("network", network), missing("pause", later),
        missing("unpause", later), missing("rename", "give a name with run's --name"),
        missing("update", "give the limits to \"bulkhead run\""), missing("commit", build), missing("build", build),
        missing("buildx", build), missing("builder", build), missing("push", "use skopeo copy"),
        missing("login", "use skopeo login, whose credentials \"bulkhead image pull\" takes"),
        missing("logout", "use skopeo logout"), missing("search", "look at the registry's own pages"),
        missing("volume", "name directories of the host with run's --volume"),
        missing("diff", "what a container writes is in its machine's memory"),
        missing("export", "send a tar archive through \"bulkhead exec\""), missing("import", build),
        missing("history", "see \"bulkhead image inspect\""), missing("save", "use skopeo copy"),
        missing("tag", tag),
        missing("system", "use \"bulkhead check\", \"bulkhead ps\" and \"bulkhead prune\""),
        missing("compose", "start the containers one by one"), missing("checkpoint", later), missing("context", later),
        missing("manifest", "use skopeo inspect"), missing("plugin", later), missing("trust", later),
        missing("node", cluster), missing("secret", cluster), missing("service", cluster), missing("stack", cluster),
        missing("swarm", cluster),
    ]

    static let ofImage: [UnsupportedCommand] = [
        renamed("list", "image ls"), renamed("remove", "image rm"), missing("build", build), missing("import", build),
        missing("push", "use skopeo copy"), missing("save", "use skopeo copy"), missing("tag", tag),
        missing("history", "see \"bulkhead image inspect\""), renamed("prune", "prune --images"),
    ]

    static let ofPod: [UnsupportedCommand] = [
        renamed("list", "pod ps"), renamed("ls", "pod ps"), renamed("remove", "pod rm"),
        missing("kill", "use \"bulkhead pod stop -t 0\""),
        missing("restart", "use \"bulkhead pod stop\" and \"start\""),
        missing("pause", later), missing("unpause", later),
        renamed("prune", "prune"), missing("exists", "use \"bulkhead pod inspect\""),
        missing("clone", "use \"bulkhead pod create\""),
    ]

    private static let network = "a container has no network but its loopback yet"
    private static let build = "build the image elsewhere, and bring it with \"bulkhead image load\""
    private static let tag = "load or pull the image by the name it is to have: see --name of \"bulkhead image load\""
    private static let later = "do without it for now"
    private static let cluster = "there is no cluster of hosts"

    private static func renamed(_ name: String, _ here: String) -> UnsupportedCommand {
        UnsupportedCommand(name, isToCome: false, instead: "use \"bulkhead \(here)\"")
    }

    private static func missing(_ name: String, _ instead: String) -> UnsupportedCommand {
        UnsupportedCommand(name, isToCome: true, instead: instead)
    }
}
