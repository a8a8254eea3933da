import OCI

extension ContainerTranslation {
    /// New limits for a container that exists: cgroup files and their content.
    ///
    /// Device rules are not looked at, as runc does: engines send those of the container's creation again.
    /// - Parameter json: `linux.resources` of a config.json.
    /// - Throws: `.notReviewed` for what is no such document, `.refused` for fields that no container of ours may have,
    ///   then the first limit that is not acceptable; messages name fields as in a config.json.
    public static func update(json: [UInt8]) throws(TranslationError) -> [String: String] {
        var spec = RuntimeSpec(ociVersion: "1.0.2")
        let review: SpecReview
        var resources: RuntimeSpec.Resources
        do throws(SpecError) {
            resources = try RuntimeSpec.Resources.decode(json: json)
            resources.devices = nil
            var linux = RuntimeSpec.Linux()
            linux.resources = resources
            spec.linux = linux
            review = try SpecReview.review(spec)
        } catch {
            throw .notReviewed(error)
        }
        // The rest of a specification that has only this part is refused, too.
        let refusals = review.refusals.filter { $0.path.hasPrefix("linux.resources.") }
        guard refusals.isEmpty else { throw .refused(refusals, omitted: review.omitted) }
        // For a new container, which uses nothing yet, there is nothing to be compared.
        guard resources.memory?.checkBeforeUpdate != true else {
            throw .invalid("linux.resources.memory.checkBeforeUpdate", "true", "use is not compared with limits yet")
        }
        return try CgroupFiles.translate(resources)
    }
}
