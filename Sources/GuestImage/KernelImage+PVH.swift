extension KernelImage {
    /// Most program headers of a kernel that are looked at.
    public static let maximumProgramHeaders = 64

    /// Whether `vmlinux` is a 64-bit ELF file with the note that lets QEMU start it directly: `-kernel` refuses an ELF
    /// file without one. Nothing in `vmlinux` can trap; what can't be read counts as no.
    /// - Parameter vmlinux: the beginning of the file, up to the end of its notes. Source: xen/include/public/elfnote.h
    ///   (XEN_ELFNOTE_PHYS32_ENTRY), hw/i386/x86.c in QEMU.
    public static func hasPVHEntry(_ vmlinux: [UInt8]) -> Bool {
        guard vmlinux.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]),
            let table = vmlinux.integer(at: 32, as: UInt64.self).flatMap(Int.init(exactly:)),
            let entryBytes = vmlinux.integer(at: 54, as: UInt16.self), entryBytes >= 56,
            let entries = vmlinux.integer(at: 56, as: UInt16.self), entries <= maximumProgramHeaders,
            table <= vmlinux.count
        else { return false }
        return (0..<Int(entries)).contains { index in
            let header = table + index * Int(entryBytes)
            guard vmlinux.integer(at: header, as: UInt32.self) == 4,
                let offset = vmlinux.integer(at: header + 8, as: UInt64.self).flatMap(Int.init(exactly:)),
                let length = vmlinux.integer(at: header + 32, as: UInt64.self).flatMap(Int.init(exactly:)),
                offset >= 0, length >= 0, offset <= vmlinux.count, length <= vmlinux.count - offset
            else { return false }
            return notesHavePVHEntry(vmlinux[offset..<offset + length])
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
