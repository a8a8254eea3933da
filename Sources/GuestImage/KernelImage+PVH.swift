extension KernelImage {
    /// Most program headers of a kernel that are looked at.
    public static let maximumProgramHeaders = 64

    /// Whether `vmlinux` is a 64-bit ELF file with the note that lets QEMU start it directly: `-kernel` refuses an ELF
    /// file without one. Nothing in `vmlinux` can trap; what can't be read counts as no.
    /// - Parameter vmlinux: the beginning of the file, up to the end of its notes. Source: xen/include/public/elfnote.h
    ///   (XEN_ELFNOTE_PHYS32_ENTRY), hw/i386/x86.c in QEMU.
    public static func hasPVHEntry(_ vmlinux: [UInt8]) -> Bool {
        (ProgramHeader.all(of: vmlinux) ?? []).contains { header in
            header.isNote && header.content.upperBound <= vmlinux.count && notesHavePVHEntry(vmlinux[header.content])
        }
    }

    private static func notesHavePVHEntry(_ notes: ArraySlice<UInt8>) -> Bool {
        var rest = notes
        while let nameBytes = rest.integer(at: 0, as: UInt32.self),
            let valueBytes = rest.integer(at: 4, as: UInt32.self),
            let type = rest.integer(at: 8, as: UInt32.self)
        {
            if type == 18, rest.dropFirst(12).starts(with: Array("Xen".utf8) + [0]) { return true }
            rest = rest.dropFirst(12 + aligned(nameBytes) + aligned(valueBytes))
        }
        return false
    }

    private static func aligned(_ bytes: UInt32) -> Int { (Int(bytes) + 3) & ~3 }
}
