@testable import Cleaning

/// ZIP files: `<service>/<dataset>`, a line feed, then a ZIP, or anything else: how to pack (a byte) and what.
@Sendable func fuzzArchive(_ input: [UInt8]) {
    guard let (contract, rest) = Subjects.choose(input, where: { !$0.members.isEmpty && !$0.setAside }) else { return }
    var chance = InputChance(input)
    if rest.starts(with: [0x50, 0x4B]) {
        let landing = Array(rest)
        _ = unpacked(landing, contract)
        checkRecognition(landing, contract)
    } else if let how = rest.first {
        checkPacked(expanded(rest.dropFirst()), how, contract, &chance)
    }
}

/// A file packed and unpacked is the file; with one byte changed it is the file or refused.
private func checkPacked(_ content: [UInt8], _ how: UInt8, _ contract: Contract, _ chance: inout InputChance) {
    let name = (how & 4 == 0 ? "" : "folder/") + contract.members[0].replacing("*", with: "x")
    var members = [Member(name: name, bytes: content, deflated: how & 1 == 0)]
    if how & 2 != 0 { members.append(Member(name: "__MACOSX/\(name)", bytes: [1, 2, 3], deflated: false)) }
    var zip = packed(members, comment: how & 8 == 0 ? [] : Array("PK\u{5}\u{6} made up".utf8))
    let honest = unpacked(zip, contract)
    let plain = unpacked(content, contract)
    // Of what deflate packs better than 300 to 1 nothing is believed.
    let isBomb = content.count > ZIPArchive.freeBytes
    // A file that begins like a ZIP is one.
    if !content.starts(with: [0x50, 0x4B]), !isBomb {
        check(honest?.raw == plain?.raw, "packed: \(honest?.raw.count ?? -1) bytes, plain: \(plain?.raw.count ?? -1)")
        check(honest?.report.encoding == plain?.report.encoding, "the encoding changes in a ZIP")
    }
    // It costs ten times as much as all else.
    if chance.next() % 4 == 0 { checkRecognition(zip, contract) }
    guard how & 2 == 0, zip.count > 4 else { return }
    for _ in 0..<3 {
        let at = Int.random(in: 4..<zip.count, using: &chance)
        let flip = UInt8.random(in: 1...255, using: &chance)
        zip[at] ^= flip
        if let damaged = unpacked(zip, contract) {
            check(damaged.raw == honest?.raw, "byte \(at) of the ZIP changed by \(flip) gives other rows")
        }
        if flip < 8 { checkRecognition(zip, contract) }
        zip[at] ^= flip
    }
}

/// What a file is depends on its bytes, not on the order in which contracts are known or on how its bytes come.
private func checkRecognition(_ landing: [UInt8], _ contract: Contract) {
    func streams(_ found: Recognition?) -> [String] {
        guard let found else { return ["error"] }
        return switch found {
        case .match(let matches): ["match"] + matches.map(\.contract.stream)
        case .ambiguous(let contracts): ["ambiguous"] + contracts.map(\.stream)
        case .none(let closest): ["none"] + closest.map { "\($0.contract.stream): \($0.reason)" }
        }
    }
    let name =
        (landing.last ?? 0) & 1 == 0
        ? "x.zip" : contract.names.first.map { $0.text.replacing("<", with: "").replacing(">", with: "") } ?? "x"
    let found = streams(try? Recognizer(contracts: Subjects.all).recognise(fileName: name, source: ByteSource(landing)))
    let reversed = Recognizer(contracts: Subjects.all.reversed()).recognise(fileName: name, head: landing)
    check(found == streams(reversed), "recognised as \(found), or as \(streams(reversed))")
}

private struct Member {
    var name: String
    var bytes: [UInt8]
    var deflated: Bool
}

private func packed(_ members: [Member], comment: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    var directory: [UInt8] = []
    func word(_ value: Int, _ size: Int) -> [UInt8] { (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    for member in members {
        // A gzip file is ten bytes of head, what deflate made, the checksum and the size.
        guard let gzip = try? Gzip.compress(member.bytes) else { return [] }
        let body = member.deflated ? Array(gzip[10..<(gzip.count - 8)]) : member.bytes
        let name = Array(member.name.utf8)
        let common =
            word(20, 2) + word(0, 2) + word(member.deflated ? 8 : 0, 2) + word(0, 4) + gzip[(gzip.count - 8)..<(gzip.count - 4)]
            + word(body.count, 4) + word(member.bytes.count, 4) + word(name.count, 2)
        directory += word(0x0201_4B50, 4) + word(20, 2) + common + word(0, 8) + word(0, 4) + word(out.count, 4) + name
        out += word(0x0403_4B50, 4) + common + word(0, 2) + name + body
    }
    let at = out.count
    out += directory + word(0x0605_4B50, 4) + word(0, 4) + word(members.count, 2) + word(members.count, 2) + word(directory.count, 4)
    return out + word(at, 4) + word(comment.count, 2) + comment
}
