import Linux
import Pod

extension ContainerStatus {
    /// Keeps the status in a container's record, as one step for those who read it. On a full disk it is written over the
    /// old one, whose block is there where the file system does not copy on write.
    public func save(in record: String) throws(SystemCallError) {
        let path = record + "/" + Self.fileName
        do {
            try Files.replace(path, with: serialized)
        } catch {
            guard error.code == ErrorNumber.noSpace || error.code == ErrorNumber.overQuota, Files.exists(path) else {
                throw error
            }
            try Files.overwrite(path, with: serialized)
        }
    }
}
