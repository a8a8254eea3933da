// Made by Golden/generate.py. Do not edit.
let goldenBytes: [String: String] = [
    "empty": "",
    "numbers":
        "080110ffffffffffffffffff01188080808080808080800120ffffffff0f28ffffffffffffffffff0131000000000000e0bf3d0000c03f",
    "texts": "420a6772c3bc6e20f09f90b34a0300ff806a006a016192010092010178",
    "messages": "52060a016e10ac025a005a021001",
    "lists": "621100ffffffffffffffffff01808080808020a2011000000000000000000000000000000240",
    "maps": "72050a0012017872050a0161120072060a01621201327a080a016b12030a0176",
    "presence": "800100880107f8ffffff0f07",
]
