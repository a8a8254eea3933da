// Written by Golden/generate.py, which says how. Not to be edited.

/// What Python's protobuf makes of the messages in Golden/generate.py, as hexadecimal digits.
enum GoldenBytes {
    static let create = """
        0a016312022f621a1d0a076f7665726c617912016f220b6c6f7765726469723d2f6c2202726f220e0a022f6912022f6f
        1a022f6520013080d0acf30e
        """
    static let start = """
        0a01631007
        """
    static let delete = """
        0a01631007180322080880e2cfaa06102a2a0165
        """
    static let exit = """
        0a016312016518072089012a080880e2cfaa06102a
        """
    static let oom = """
        0a0163
        """
    static let execAdded = """
        0a0163120165
        """
    static let execStarted = """
        0a01631201651807
        """
    static let forward = """
        0a540a080880e2cfaa06102a12066b38732e696f1a0b2f7461736b732f6578697422330a1a636f6e7461696e6572642e
        6576656e74732e5461736b4578697412150a016312016518072089012a080880e2cfaa06102a
        """
    static let options = """
        0a017412022f701a0101
        """
    static let info = """
        0a016e12030a01311a060a01741201022a060a0161120131
        """
}
