import Configuration
import HostSide

extension Host {
    /// Which annotations of an engine's pods count here.
    public var annotationRules: AnnotationRules {
        AnnotationRules(
            allowed: configuration.container.annotations, isOpenEuler: configuration.compat == .openeuler)
    }
}
