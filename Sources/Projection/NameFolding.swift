/// Letters as names are compared: a table of our own, frozen, because case rules change with Unicode versions and a replay must not.
///
/// It covers Latin-1, Latin Extended-A, Greek and Cyrillic, and base letters followed by a combining mark as file names on a Mac have them.
/// Letters of other scripts stay as they are. A change of this table calls for a new ``Warehouse/revision``.
enum NameFolding {
    /// A text with the letters of the covered blocks in lower case and composed; ASCII letters stay unless a mark follows them.
    static func folded(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if let last = out.last, let whole = composed(small(last.value), scalar.value).flatMap(Unicode.Scalar.init) {
                out.removeLast()
                out.append(whole)
            } else {
                out.append(scalar.isASCII ? scalar : Unicode.Scalar(small(scalar.value)) ?? scalar)
            }
        }
        return String(out)
    }

    /// The small letter of a letter of the covered blocks and of ASCII.
    static func small(_ letter: UInt32) -> UInt32 {
        switch letter {
        case 0x41...0x5A: letter + 32
        case 0..<0xC0: letter
        // Latin-1; × is no letter.
        case 0xC0...0xD6, 0xD8...0xDE: letter + 32
        case 0xD7, 0xDF...0xFF: letter
        // Latin Extended-A: pairs, the capital first.
        case 0x130: 0x69
        case 0x100...0x137, 0x14A...0x177: letter | 1
        case 0x139...0x148, 0x179...0x17E: letter + (letter & 1)
        case 0x178: 0xFF
        // Greek, with accents first; the ς at the end of a word is an σ.
        case 0x370, 0x372, 0x376: letter + 1
        case 0x37F: 0x3F3
        case 0x386: 0x3AC
        case 0x388...0x38A: letter + 37
        case 0x38C: 0x3CC
        case 0x38E, 0x38F: letter + 63
        case 0x391...0x3A1, 0x3A3...0x3AB: letter + 32
        case 0x3C2: 0x3C3
        case 0x3CF: 0x3D7
        case 0x3D8...0x3EF: letter | 1
        case 0x3F4: 0x3B8
        case 0x3F7, 0x3FA: letter + 1
        case 0x3F9: 0x3F2
        case 0x3FD...0x3FF: letter - 130
        // Cyrillic.
        case 0x400...0x40F: letter + 80
        case 0x410...0x42F: letter + 32
        case 0x460...0x481, 0x48A...0x4BF, 0x4D0...0x4FF: letter | 1
        case 0x4C0: 0x4CF
        case 0x4C1...0x4CE: letter + (letter & 1)
        default: letter
        }
    }

    /// The letter that a small letter and the combining mark behind it are together; nil where there is none in the covered blocks.
    static func composed(_ letter: UInt32, _ mark: UInt32) -> UInt32? {
        guard 0x300...0x345 ~= mark else { return nil }
        return pairs[UInt64(mark) << 32 | UInt64(letter)]
    }

    /// Mark, then each base letter with what it becomes.
    private static let marks: [(mark: UInt32, letters: String)] = [
        (0x300, "a\u{E0}e\u{E8}i\u{EC}o\u{F2}u\u{F9}\u{435}\u{450}\u{438}\u{45D}"),
        (
            0x301,
            """
            a\u{E1}e\u{E9}i\u{ED}o\u{F3}u\u{FA}y\u{FD}c\u{107}l\u{13A}n\u{144}r\u{155}s\u{15B}z\u{17A}\u{433}\u{453}\u{43A}\u{45C}\
            \u{3B1}\u{3AC}\u{3B5}\u{3AD}\u{3B7}\u{3AE}\u{3B9}\u{3AF}\u{3BF}\u{3CC}\u{3C5}\u{3CD}\u{3C9}\u{3CE}\u{3CA}\u{390}\u{3CB}\u{3B0}\
            \u{3D2}\u{3D3}\u{A8}\u{385}
            """
        ),
        (0x302, "a\u{E2}e\u{EA}i\u{EE}o\u{F4}u\u{FB}c\u{109}g\u{11D}h\u{125}j\u{135}s\u{15D}w\u{175}y\u{177}"),
        (0x303, "a\u{E3}n\u{F1}o\u{F5}i\u{129}u\u{169}"),
        (0x304, "a\u{101}e\u{113}i\u{12B}o\u{14D}u\u{16B}\u{438}\u{4E3}\u{443}\u{4EF}"),
        (0x306, "a\u{103}e\u{115}g\u{11F}i\u{12D}o\u{14F}u\u{16D}\u{438}\u{439}\u{443}\u{45E}\u{436}\u{4C2}\u{430}\u{4D1}\u{435}\u{4D7}"),
        (0x307, "c\u{10B}e\u{117}g\u{121}z\u{17C}i\u{69}"),
        (
            0x308,
            """
            a\u{E4}e\u{EB}i\u{EF}o\u{F6}u\u{FC}y\u{FF}\u{435}\u{451}\u{456}\u{457}\u{3B9}\u{3CA}\u{3C5}\u{3CB}\u{3D2}\u{3D4}\u{430}\u{4D3}\
            \u{4D9}\u{4DB}\u{436}\u{4DD}\u{437}\u{4DF}\u{438}\u{4E5}\u{43E}\u{4E7}\u{4E9}\u{4EB}\u{44D}\u{4ED}\u{443}\u{4F1}\u{447}\u{4F5}\
            \u{44B}\u{4F9}
            """
        ),
        (0x30A, "a\u{E5}u\u{16F}"), (0x30B, "o\u{151}u\u{171}\u{443}\u{4F3}"),
        (0x30C, "c\u{10D}d\u{10F}e\u{11B}l\u{13E}n\u{148}r\u{159}s\u{161}t\u{165}z\u{17E}"),
        (0x30F, "\u{475}\u{477}"),
        (0x327, "c\u{E7}g\u{123}k\u{137}l\u{13C}n\u{146}r\u{157}s\u{15F}t\u{163}"), (0x328, "a\u{105}e\u{119}i\u{12F}u\u{173}"),
    ]

    private static let pairs: [UInt64: UInt32] = {
        var pairs: [UInt64: UInt32] = [:]
        for (mark, letters) in marks {
            let scalars = letters.unicodeScalars.map(\.value)
            for i in stride(from: 0, to: scalars.count - 1, by: 2) { pairs[UInt64(mark) << 32 | UInt64(scalars[i])] = scalars[i + 1] }
        }
        return pairs
    }()
}
