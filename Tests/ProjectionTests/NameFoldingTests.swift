import Foundation
import Testing

@testable import Projection

/// The frozen table of letters against the case rules and the decompositions of this computer's Unicode.
@Suite struct NameFoldingTests {
    private static let covered = Array(0x20...0x24F) + Array(0x370...0x4FF)
    /// Where the table is simpler than Unicode, or folds what Unicode only lowers.
    private static let own: [UInt32: UInt32] = [0x130: 0x69, 0x3C2: 0x3C3]

    private static func scalars(_ range: [Int]) -> [Unicode.Scalar] { range.compactMap { Unicode.Scalar(UInt32($0)) } }

    @Test func lettersHaveTheSmallOnesOfUnicode() {
        // Behind Latin Extended-A nothing changes, whatever Unicode says.
        for scalar in Self.scalars(Self.covered) where !(0x180...0x24F ~= scalar.value) {
            let expected = Self.own[scalar.value] ?? scalar.properties.lowercaseMapping.unicodeScalars.first?.value
            #expect(NameFolding.small(scalar.value) == expected, "U+\(String(scalar.value, radix: 16))")
        }
        for value in [0x180, 0x1C4, 0x24E, 0x531, 0x10A0, 0x1E00, 0x1E9E, 0x2160, 0xFF21] as [UInt32] {
            #expect(NameFolding.small(value) == value)
        }
    }

    @Test func lettersInTwoPartsAreTheLettersInOne() {
        var count = 0
        for scalar in Self.scalars(Array(0xC0...0x17F) + Array(0x370...0x4FF)) {
            let whole = String(scalar)
            let parts = whole.decomposedStringWithCanonicalMapping
            guard parts.unicodeScalars.count > 1 else { continue }
            count += 1
            #expect(
                SourceNames.normalised(parts).unicodeScalars.elementsEqual(SourceNames.normalised(whole).unicodeScalars),
                "U+\(String(scalar.value, radix: 16))")
        }
        #expect(count > 200)
    }

    @Test(arguments: ["zone a0", "初音ミク", "ДДТ", "Ünal Ŷ", "x\u{301}\u{301}", "e\u{301}\u{301}", "\u{301}", "artist:bjÖrk"])
    func foldingTwiceChangesNothing(_ name: String) {
        let once = SourceNames.normalised(name)
        #expect(SourceNames.normalised(once) == once)
        #expect(NameFolding.folded(NameFolding.folded(name)) == NameFolding.folded(name))
    }

    @Test func idsOfMembersKeepTheirASCII() {
        #expect(SourceNames.member("artist:bjÖrk") == "artist:björk")
        #expect(SourceNames.member("artist:Zone-A0") == "artist:Zone-A0")
        #expect(SourceNames.member("track:QZABC2400001") == "track:QZABC2400001")
        #expect(SourceNames.member("ÉCLAT") == "ÉCLAT")
    }
}
