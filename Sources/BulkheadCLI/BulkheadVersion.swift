/// The version of all parts, which are installed together.
public enum BulkheadVersion {
    public static let text = "0.1.0"
}
