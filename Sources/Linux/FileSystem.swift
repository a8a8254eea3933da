import CLinux

/// The file system that an open file or directory is of.
extension OwnedFD {
    /// Whether the file system is an interface of the kernel's (/proc, /sys, …): what is there is made when it is read,
    /// and copying it makes no sense.
    public borrowing func isKernelInterface() throws(SystemCallError) -> Bool {
        // Of <linux/magic.h>.
        let magics: [Int64] = [
            0x9fa0,  // proc
            0x6265_6572,  // sysfs
            0x0027_e0eb, 0x6367_7270,  // cgroup, cgroup2
            0x1cd1,  // devpts
            0x1980_0202,  // mqueue
            0x6462_6720, 0x7472_6163,  // debugfs, tracefs
            0x7363_6673, 0xf97c_ff8c,  // securityfs, selinuxfs
            0xcafe_4a11,  // bpf
            0x6165_676c, 0xde5e_81e4,  // pstore, efivarfs
            0x6265_6570, 0x6573_5543, 0x4249_4e4d,  // configfs, fusectl, binfmt_misc
            0x6e73_6673,  // nsfs
        ]
        return try magics.contains(fileSystem().magic)
    }

    /// Whether another process or machine answers for the file system: it may take its time, and what is changed there
    /// makes no events here.
    public borrowing func isAnsweredElsewhere() throws(SystemCallError) -> Bool {
        // Of <linux/magic.h>, and of the file systems' own headers.
        let magics: [Int64] = [
            0x6573_5546,  // fuse
            0x0102_1997,  // 9p
            0x6969,  // nfs
            0x517b, 0xfe53_4d42, 0xff53_4d42,  // smb, smb2, cifs
            0x00c3_6400,  // ceph
            0x5346_414f, 0x6b41_4653,  // afs
        ]
        return try magics.contains(fileSystem().magic)
    }

    /// The size of a tmpfs; nil for any other file system.
    public borrowing func temporaryFileSystemBytes() throws(SystemCallError) -> Int64? {
        let (magic, bytes) = try fileSystem()
        return magic == 0x0102_1994 ? bytes : nil
    }

    private borrowing func fileSystem() throws(SystemCallError) -> (magic: Int64, bytes: Int64) {
        var magic: Int64 = 0, bytes: Int64 = 0
        try check(withRaw { bh_file_system($0, &magic, &bytes) }, "fstatfs")
        return (magic, bytes)
    }
}
